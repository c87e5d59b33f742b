"""What is wrong with the command line of the proxy is told on one page."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli

HINT = "    write NAME=URL, such as --upstream openai=http://127.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("openai", "--upstream: the address of openai is no http:// or https:// URL"),
        ("openai=", "--upstream: the address of openai is no http:// or https:// URL"),
        ("openai=ftp://host/", "--upstream: the address of openai is no http:// or https:// URL"),
        ("openai=http://[::1/", "--upstream: the address of openai is no http:// or https:// URL"),
        ("openai=http://host:99999/", "--upstream: the address of openai is no http:// or https:// URL"),
        ("=http://host/", "--upstream: '' cannot name an upstream"),
        ("a/b=http://host/", "--upstream: 'a/b' cannot name an upstream"),
        ("s=http://host/", "--upstream: 's' cannot name an upstream"),
        ("openai=http://me:pass@host/", "--upstream: the address of openai has more than a host and a path"),
        ("openai=http://host/?key=1", "--upstream: the address of openai has more than a host and a path"),
    ],
)
def test_an_upstream_that_cannot_be_one(cli: Cli, told: str, message: str) -> None:
    said = cli("proxy", "--upstream", told, code=2)
    assert said.err.startswith(f"{message}\n    ")
    assert "pass@" not in said.err
    assert not Path("output").exists()


def test_all_that_is_wrong_is_told_at_once(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "localhost:80")
    said = cli("proxy", "--upstream", "one=two", "--upstream", "three", code=2)
    assert said.err.splitlines() == [
        "OPENAI_BASE_URL: the address of openai is no http:// or https:// URL",
        "    set it to a URL such as http://127.0.0.1:8000/v1, or unset it",
        "--upstream: the address of one is no http:// or https:// URL",
        HINT,
        "--upstream: the address of three is no http:// or https:// URL",
        HINT,
        "3 problems",
    ]


def test_a_port_that_is_taken(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = cli("proxy", "--port", str(port), code=2)
    assert said.err == (
        f"cannot listen on 127.0.0.1 port {port}: Address already in use\n"
        "    name another --host or --port; --port 0 takes a free one\n"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_upstream_that_is_the_proxy_itself(cli: Cli, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://{host}:{port}/openai/v1")
    assert cli("proxy", "--port", str(port), code=2).err == (
        "the upstream openai is this proxy itself\n"
        "    name the real server with --upstream openai=URL, or unset OPENAI_BASE_URL\n"
    )


def test_a_host_that_is_nobodys(cli: Cli) -> None:
    assert "cannot listen on no.host.invalid port 0: " in cli("proxy", "--host", "no.host.invalid", code=2).err


def test_a_run_that_is_none(cli: Cli, tmp_path: Path) -> None:
    assert "not a run is not the directory of a run" in cli("proxy", "--run-dir", "not a run", code=2).err
    (tmp_path / "run").mkdir()
    said = cli("proxy", "--run-dir", "run", "--run-id", "other", code=2)
    assert "--run-dir names a run that has its id and its prices already" in said.err
    assert "cannot name a directory" in cli("proxy", "--run-id", "../x", code=2).err
    assert "no-prices.yaml" in cli("proxy", "--price-table", "no-prices.yaml", code=2).err


def test_the_extra_that_is_missing_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def without(name: str, *rest: Any) -> Any:
        return None if name in ("uvicorn", "httpx", "brotli") else real(name, *rest)

    monkeypatch.setattr("taximeter.cli.proxy.find_spec", without)
    assert cli("proxy", code=2).err == (
        "the proxy needs uvicorn, httpx, brotli, which is not installed\n    pip install 'taximeter[web]'\n"
    )
