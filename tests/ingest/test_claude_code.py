"""Logs of Claude Code as runs."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from taximeter.ingest.claude_code import Logs
from tests.cli.conftest import Cli, cli

__all__ = ["cli"]  # a fixture


def entry(
    message: str, output: int = 10, session: str = "s1", at: str = "2026-11-20T10:00:00.000Z", **more: Any
) -> str:
    usage = more.pop("usage", {"input_tokens": 3, "output_tokens": output})
    body = {"id": message, "model": more.pop("model", "claude-sonnet-4-5"), "role": "assistant", "usage": usage}
    fields = {"requestId": f"req_{message}", "sessionId": session, "timestamp": at, "cwd": "/home/ada/search"}
    return json.dumps({"type": "assistant", "message": body, **fields, **more})


def logs(folder: Path, **sessions: list[str]) -> Logs:
    for name, lines in sessions.items():
        path = folder / "projects/-home-ada-search" / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
    return Logs(folder / "projects")


def test_an_answer_that_grows_counts_once_and_whole(tmp_path: Path) -> None:
    (session,) = logs(tmp_path, s1=[entry("m1", 1), entry("m1", 5), entry("m1", 9), entry("m2", 4)]).sessions()
    assert [call.usage.output_tokens for call in session.calls] == [9, 4]
    assert (session.id, session.project) == ("s1", "search")


def test_a_resumed_session_begins_with_a_copy(tmp_path: Path) -> None:
    first = [entry("m1"), entry("m2", at="2026-11-20T10:01:00Z")]
    copied = [entry("m1", session="s2"), entry("m2", session="s2", at="2026-11-20T10:01:00Z")]
    new = entry("m3", session="s2", at="2026-11-20T11:00:00Z")
    sessions = logs(tmp_path, a=first, b=[*copied, new]).sessions()
    assert [(session.id, len(session.calls)) for session in sessions] == [("s1", 2), ("s2", 1)]


def test_the_cache_is_inside_of_the_input(tmp_path: Path) -> None:
    usage = {
        "input_tokens": 3,
        "cache_creation_input_tokens": 12304,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 12304, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 550,
        "service_tier": "standard",
    }
    (session,) = logs(tmp_path, s1=[entry("m1", usage=usage)]).sessions()
    (call,) = session.calls
    assert (call.usage.input_tokens, call.usage.cache_write_input_tokens) == (12307, 12304)
    assert (call.provider, call.request_id, call.session_id) == ("anthropic", "req_m1", "s1")
    assert call.tags == {"project": "search"}


def test_what_is_no_answer_is_passed_over(tmp_path: Path) -> None:
    lines = [
        json.dumps({"type": "user", "message": {"content": "usage"}, "sessionId": "s1"}),
        json.dumps({"type": "summary", "summary": "x"}),
        entry("m0", model="<synthetic>"),
        '{"type":"assistant","message":{"usage":{"inp',
        entry("m1", usage={"input_tokens": -1, "output_tokens": 1}),
        entry("m2", isSidechain=True),
    ]
    found = logs(tmp_path, s1=lines)
    (session,) = found.sessions()
    assert [call.stage_id for call in session.calls] == ["subagents"]
    assert found.unreadable == 2


def test_only_what_is_asked_for(tmp_path: Path) -> None:
    found = logs(tmp_path, s1=[entry("m1"), entry("m2", at="2026-11-22T10:00:00Z")])
    (session,) = found.sessions(since=1_795_305_600.0)  # 2026-11-22
    assert [call.response_id for call in session.calls] == ["m2"]


def test_sessions_stand_in_the_list_of_runs(tmp_path: Path, cli: Cli) -> None:
    split = {"ephemeral_5m_input_tokens": 12304, "ephemeral_1h_input_tokens": 0}
    usage = {"input_tokens": 3, "cache_creation_input_tokens": 12304, "cache_creation": split, "output_tokens": 550}
    logs(tmp_path, s1=[entry("m1", usage=usage)], s2=[entry("m9", session="s2", at="2026-11-21T00:00:00Z")])
    said = cli("import", "claude-code", "--from", "projects").out
    assert said.splitlines()[0] == "claude-code-s1: 1 call, $0.0544"
    listed = json.loads(cli("runs", "--json").out, parse_float=Decimal)["runs"]
    assert [(run["run_id"], run["status"], run["tags"]["project"]) for run in listed] == [
        ("claude-code-s2", "done", "search"),
        ("claude-code-s1", "done", "search"),
    ]
    assert listed[1]["totals"]["cost"] == Decimal("0.054399")
    with (tmp_path / "projects/-home-ada-search/s1.jsonl").open("a") as file:
        file.write(entry("m2", 100, at="2026-11-20T12:00:00Z") + "\n")
    again = json.loads(cli("import", "claude-code", "--from", "projects", "--json").out)
    assert [run["calls"] for run in again["runs"]] == [2, 1]
    assert len(json.loads(cli("runs", "--json").out)["runs"]) == 2
    assert "main" in cli("show", "claude-code-s1").out


def test_without_logs_it_says_where_it_looked(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "nowhere"))
    told = cli("import", "claude-code", code=2).err
    assert told == f"taximeter: there are no logs in {tmp_path}/nowhere/projects: name their folder with --from\n"
    (tmp_path / "nowhere/projects").mkdir(parents=True)
    assert "there is nothing to import: no calls were found in" in cli("import", "claude-code", code=2).err
