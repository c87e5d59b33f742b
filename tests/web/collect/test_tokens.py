"""Who has the token of a project sends to it, and sees what is of it; nobody else does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.collect.conftest import Collect, ask, call, post
from tests.web.conftest import Served

pytestmark = pytest.mark.slow

SEARCH, AGENTS, NEXT = "r2XqE6mB0uUqQxkX", "o7nZ3VJ5o0hDq1pC", "V0a8kKq2yN4mB6tX"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def file_of(tmp_path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = tmp_path / "tokens.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def refused(tmp_path: Path, *arguments: str, **environment: str) -> str:
    """What it says when it does not even begin."""
    command = [sys.executable, "-m", "taximeter", "serve", "--collect", "--port", "0", "--output-dir", str(tmp_path)]
    ended = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=60, env={**_environment(), **environment}
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    return ended.stderr


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "TAXIMETER_COLLECT_TOKENS"}


def check_two_projects(server: Served, folder: Path) -> None:
    assert post(server, [call(1)], **bearer(SEARCH)).said["accepted"] == 1
    assert post(server, [call(1), call(2)], **bearer(AGENTS)).said["accepted"] == 2
    assert (folder / "search/runs/r/events/p.jsonl").read_bytes().count(b"\n") == 1
    assert (folder / "agents/runs/r/events/p.jsonl").read_bytes().count(b"\n") == 2
    for path in ("/v1/events", "/v1/traces"):
        for headers in ({}, bearer("x" * 16), bearer(""), {"Authorization": f"Basic {SEARCH}"}, bearer(SEARCH + "x")):
            answer = post(server, [call(9)], path, **headers)
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert SEARCH not in answer.body.decode()
    figures = ask(server, "GET", "/metrics", **bearer(SEARCH)).body.decode()
    assert 'project="search"' in figures
    assert "agents" not in figures
    assert ask(server, "GET", "/metrics").status == 401
    for token in (SEARCH, AGENTS):
        rows = ask(server, "GET", "/api/runs", **bearer(token)).said["rows"]
        assert [row["id"] for row in rows] == ["r"]
    assert ask(server, "GET", "/api/runs").status == 401


def test_projects_of_a_file(collect: Collect, tmp_path: Path) -> None:
    path = file_of(tmp_path, f"search: {SEARCH}\nagents: [{AGENTS}, {NEXT}]\n")
    server = collect("--tokens", str(path), TAXIMETER_COLLECT_TOKENS=f"other={'z' * 16}")
    check_two_projects(server, tmp_path)
    assert post(server, [call(2), call(3)], **bearer(NEXT)).said == {"accepted": 1, "duplicate": 1, "rejected": []}
    assert post(server, [call(1)], **bearer("z" * 16)).status == 401


def test_projects_of_the_environment(collect: Collect, tmp_path: Path) -> None:
    given = f" search={SEARCH} , agents={AGENTS},agents={NEXT},"
    server = collect(TAXIMETER_COLLECT_TOKENS=given)
    check_two_projects(server, tmp_path)
    assert post(server, [call(3)], **bearer(NEXT)).said["accepted"] == 1


def test_a_file_that_everybody_can_read_is_told_of(tmp_path: Path) -> None:
    path = file_of(tmp_path, f"search: {SEARCH}\n", 0o644)
    command = [sys.executable, "-m", "taximeter", "serve", "--collect", "--port", "0", "--output-dir", str(tmp_path)]
    process = subprocess.Popen(
        [*command, "--tokens", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://")
    process.terminate()
    _, said = process.communicate(timeout=30)
    assert "can be read by everybody on this machine: chmod 600" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is nothing in it"),
        ("# nothing\n", "there is nothing in it"),
        (f"- {SEARCH}\n", "tokens are written as `project: token`, one project a line"),
        (SEARCH, "`project: token`"),
        ("search: [\n", "tokens.yaml:"),
        (b"search: \xff\xfe\n", "tokens.yaml"),
        ("search: short\n", "a token of `search` is no text of at least 16 characters without spaces"),
        ("search:\n", "at least 16 characters"),
        ("search: []\n", "at least 16 characters"),
        ("search: {a: b}\n", "at least 16 characters"),
        ("search: 12345678901234567\n", "at least 16 characters"),
        ("search: 'sixteen characters with spaces'\n", "without spaces"),
        (f"search: {SEARCH}\nagents: {SEARCH}\n", "`agents` has a token of `search`"),
        (f"../evil: {SEARCH}\n", "`../evil` cannot be the name of a folder"),
        (f"runs: {SEARCH}\n", "cannot be the name of a folder"),
        (f"'': {SEARCH}\n", "cannot be the name of a folder"),
        (f"search: {SEARCH}\nsearch: {AGENTS}\n", "search"),
    ],
)
def test_a_bad_file_is_refused_with_what_is_wrong(tmp_path: Path, text: str | bytes, said: str) -> None:
    told = refused(tmp_path, "--tokens", str(file_of(tmp_path, text)))
    assert said in told
    assert SEARCH not in told


def test_a_bad_setting_is_refused_with_its_name(tmp_path: Path) -> None:
    for given in ("search", "search=short", f"={SEARCH}", f"a={SEARCH},b={SEARCH}", "search=" + "\u00fc" * 20):
        told = refused(tmp_path, TAXIMETER_COLLECT_TOKENS=given)
        assert "TAXIMETER_COLLECT_TOKENS" in told
        assert SEARCH not in told


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "there is no file of tokens" in refused(tmp_path, "--tokens", str(tmp_path / "none.yaml"))
    assert refused(tmp_path, "--tokens", str(tmp_path))


def test_other_machines_are_not_let_in_without_tokens(tmp_path: Path) -> None:
    assert "whoever reaches 0.0.0.0 could send events" in refused(tmp_path, "--host", "0.0.0.0")
    assert refused(tmp_path, "--host", "0.0.0.0", TAXIMETER_COLLECT_TOKENS="")
