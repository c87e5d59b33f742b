"""What `taximeter serve` refuses, in the words that people see."""

import socket
import sys

import pytest

from tests.cli.conftest import Cli


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "dash.example"])
def test_nobody_else_is_served_without_a_token(cli: Cli, host: str) -> None:
    said = cli("serve", "--host", host, code=2)
    assert (
        f"--host: whoever reaches {host} could look at all runs\n    give --token, or TAXIMETER_SERVE_TOKEN" in said.err
    )


def test_a_token_that_can_be_guessed_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIMETER_SERVE_TOKEN", "secret")
    said = cli("serve", "--host", "0.0.0.0", code=2)
    assert "--token: the token is shorter than 16 characters\n    make one: python3 -c" in said.err
    assert "secret" not in said.err.replace("secrets", "")


def test_a_port_that_is_taken_is_said(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = cli("serve", "--port", str(port), code=2)
    assert (
        said.err.startswith(f"--port: cannot serve at 127.0.0.1, port {port}: ") and "choose another --port" in said.err
    )


def test_a_host_that_is_nowhere_is_said(cli: Cli) -> None:
    said = cli("serve", "--host", "no.such.host.invalid", "--token", "x" * 16, code=2)
    assert said.err.startswith("--host: cannot serve at no.such.host.invalid: ")


@pytest.mark.parametrize(("asked", "named"), [((), "dashboard"), (("--collect",), "collector")])
def test_without_the_extra_it_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...], named: str
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "uvicorn" or name.startswith("taximeter.web")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    said = cli("serve", *asked, code=2)
    assert said.err == f"the {named} needs uvicorn, which is not installed\n    pip install 'taximeter[web]'\n"


def test_what_only_a_collector_does_is_refused_where_nothing_is_collected(cli: Cli) -> None:
    said = cli("serve", "--tokens", "tokens.yaml", "--fsync", code=2)
    assert said.err == "--tokens, --fsync: nothing is collected\n    say --collect, too\n"


def test_a_token_that_would_open_nothing_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIMETER_COLLECT_TOKENS", "search=r2XqE6mB0uUqQxkX")
    said = cli("serve", "--collect", "--token", "x" * 16, code=2)
    assert said.err.startswith(
        "--token: projects have tokens of their own\n    leave out --token, and TAXIMETER_SERVE_"
    )
