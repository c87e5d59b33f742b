"""What a reader is told besides the figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from taximeter.report.build import build
from taximeter.report.trust import trust
from tests.runs import Writing, call, plan, stage


def about(writing: Writing, *beginnings: str) -> list[str]:
    return [note for note in trust(build(writing.run)) if note.startswith(beginnings)]


def failed(folder: Path, errors: dict[str, str], reason: str) -> Writing:
    writing = Writing(folder, plan(stage(number, name) for number, name in enumerate(errors, 1)))
    for name, error in errors.items():
        writing.start(name)
        writing.end(name, "failed", exit_code=1, error=error)
    writing.close("failed", reason)
    return writing


def test_each_stage_that_failed_says_why(tmp_path: Path) -> None:
    writing = failed(
        tmp_path, {"a": "exit code 3", "b": "exit code 4", "c": "killed by SIGKILL"}, "stage a: exit code 3"
    )
    assert about(writing, "Failed") == ["Failed: b: exit code 4.", "Failed: c: killed by SIGKILL."]


@pytest.mark.parametrize("reason", ["stage a: exit code 3", "exit code 3"])
def test_what_the_headline_says_is_not_said_again(tmp_path: Path, reason: str) -> None:
    assert about(failed(tmp_path, {"a": "exit code 3"}, reason), "Failed") == []


def test_what_the_headline_has_to_cut_is_said_in_full(tmp_path: Path) -> None:
    error = "1 of 2 rows do not fit chunk: " + "01_a/artifact.jsonl:2: `text` is shorter than 3 characters"
    assert about(failed(tmp_path, {"a": error}, f"stage a: {error}"), "Failed") == [f"Failed: a: {error}."]


def test_of_many_failures_the_first_are_told_and_the_others_counted(tmp_path: Path) -> None:
    writing = failed(tmp_path, {f"s{i}": f"exit code {i}" for i in range(1, 13)}, "stage s1: exit code 1")
    notes = about(writing, "Failed", "Not done")
    assert (len(notes), notes[-1]) == (9, "Not done either: 3 other stages.")


def test_a_stage_that_was_lost_says_why(tmp_path: Path) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a")]))
    writing.start("a")
    writing.end("a", "lost", error="its supervisor died")
    writing.close("failed", "the forkserver died")
    assert about(writing, "Lost") == ["Lost: a: its supervisor died."]


def test_a_stage_that_was_tried_again_is_named_with_how_often(tmp_path: Path) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a"), stage(2, "b")]))
    for name, attempt, status in (("a", 1, "failed"), ("a", 2, "failed"), ("a", 3, "done"), ("b", 1, "done")):
        writing.start(name, attempt)
        writing.end(name, status)
    writing.close()
    assert about(writing, "Tried") == ["Tried again, with every attempt in the figures: a (2x)."]


def test_calls_that_failed_are_counted_by_model(tmp_path: Path) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a")]))
    writing.start("a")
    writing.sink("a", call(prompt_tokens=1), call(status="failed"), call("small", status="failed"))
    writing.end("a")
    writing.close()
    assert about(writing, "2 calls failed") == ["2 calls failed: big (1x), small (1x)."]
