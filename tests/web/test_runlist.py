"""The list of runs, and what is said of it while it changes."""

import json
import shutil
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from taximeter.clock import iso
from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine, RunTotals
from taximeter.rundir import OutputDir
from taximeter.web import runlist
from taximeter.web.feeds import Feeds
from taximeter.web.moments import moment
from taximeter.web.runlist import RunList
from tests.runs import Writing
from tests.stages import wait_until

TOTALS = RunTotals(
    metered=True, wall_seconds=2.5, calls=3, prompt_tokens=10, cost=Decimal("0.01"), cost_status="priced"
)


@pytest.fixture(autouse=True)
def always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runlist, "_LEAST", 0)


@pytest.fixture
def runs(output: OutputDir) -> RunList:
    return RunList(output, Feeds(output))


def ended(output: OutputDir, run_id: str, started_at: str | None, **fields: Any) -> None:
    (output.runs / run_id).mkdir(parents=True, exist_ok=True)
    known = {"ended_at": "2026-01-02T00:00:00Z", "status": "done", "totals": TOTALS, "recipe": "r", **fields}
    manifest.append(output, ManifestLine(run_id, started_at=started_at, **known))


def rows(runs: RunList, since: str = "") -> dict[str, Any]:
    """What the list tells once it has asked all directories that it has to."""
    for _ in range(2):
        runs.look()
        assert wait_until(lambda: not runs._is_filling)
    told = runs.since(since)
    return {} if told is None else {row["id"]: row for row in json.loads(told)["rows"]}


def in_order(runs: RunList) -> list[str]:
    return sorted(rows(runs), key=lambda run_id: -(rows(runs)[run_id].get("at") or -1))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-01T00:00:00Z", 1767225600),
        ("2026-01-01T00:00:00.5Z", 1767225600.5),
        ("2026-01-01T00:00:00.123456789Z", 1767225600.123456),
        ("2026-01-01T02:00:00+02:00", 1767225600),
        ("2026-01-01T00:00", 1767225600),
        ("2026-01-01 00:00:00", 1767225600),
        ("20260101T000000Z", 1767225600),
        ("2026-01-01", 1767225600),
        ("2026-01", 1767225600),
        ("2026", 1767225600),
        *((bad, None) for bad in ("", None, "yesterday", "2026-13-01", "²⁰²⁶")),
    ],
)
def test_a_moment_of_any_precision_is_understood(text: str | None, seconds: float | None) -> None:
    found = moment(text)
    assert (found is None) == (seconds is None)
    assert found is None or found == pytest.approx(seconds, abs=1e-5)


def test_runs_are_sorted_by_when_they_began_whatever_the_precision(output: OutputDir, runs: RunList) -> None:
    for run_id, at in (
        ("third", "2026-01-01T00:00:00Z"),
        ("second", "2026-01-01T00:00:00.25Z"),
        ("first", "2026-01-01T02:00:01+02:00"),
        ("fifth", "2025"),
        ("fourth", "2025-12-31T23:59:59.999999Z"),
        ("last", None),
    ):
        ended(output, run_id, at)
    assert in_order(runs) == ["first", "second", "third", "fourth", "fifth", "last"]
    assert runs.newest() == "first"


def test_a_run_of_which_only_stages_tell_is_sorted_by_the_newest_of_them(output: OutputDir, runs: RunList) -> None:
    ended(output, "before", "2026-01-01T00:00:00Z")
    ended(output, "after", "2026-01-03T00:00:00Z")
    folder = output.runs / "between"
    folder.mkdir()
    stages = {"a": {"updated_at": "2026-01-02T00:00:00.5Z", "status": "done"}, "b": {"updated_at": "2026-01-01"}}
    (folder / "pipeline_state.json").write_text(json.dumps({"status": "done", "stages": stages}))
    assert in_order(runs) == ["after", "between", "before"]
    assert rows(runs)["between"]["status"] == "done" and rows(runs)["between"]["metered"] is False


def test_a_run_whose_directory_is_gone_is_said_to_be(output: OutputDir, runs: RunList) -> None:
    ended(output, "old", "2026-01-01T00:00:00Z")
    ended(output, "new", "2026-01-02T00:00:00Z")
    assert "gone" not in rows(runs)["new"] and runs.has("new")
    version = runs.version
    shutil.rmtree(output.runs / "new")
    time.sleep(0.01)
    assert rows(runs, version) == {"new": {**rows(runs)["new"], "gone": True}}
    assert not runs.has("new") and runs.newest() == "old"
    (output.runs / "new").symlink_to(output.runs / "old")
    assert rows(runs)["new"]["gone"]


def test_a_run_that_nobody_lists_any_more_is_taken_away(output: OutputDir, runs: RunList) -> None:
    ended(output, "old", "2026-01-01T00:00:00Z")
    (output.runs / "unlisted").mkdir()
    assert set(rows(runs)) == {"old", "unlisted"}
    version = runs.version
    (output.runs / "unlisted").rmdir()
    runs.look()
    assert json.loads(runs.since(version) or b"")["removed"] == ["unlisted"]
    output.manifest.unlink()
    shutil.rmtree(output.runs)
    assert rows(runs) == {} and runs.newest() is None


def test_only_what_has_changed_is_told(output: OutputDir, runs: RunList) -> None:
    for n in range(3):
        ended(output, f"r{n}", f"2026-01-0{n + 1}T00:00:00Z")
    assert len(rows(runs)) == 3
    version = runs.version
    assert runs.since(version) is None
    ended(output, "r1", "2026-01-02T00:00:00Z", status="failed")
    assert {run_id: row["status"] for run_id, row in rows(runs, version).items()} == {"r1": "failed"}
    whole = json.loads(runs.since("other-7") or b"")
    assert whole["whole"] and len(whole["rows"]) == 3


def test_a_manifest_that_was_put_in_place_anew_is_read_anew(output: OutputDir, runs: RunList) -> None:
    ended(output, "a", "2026-01-01T00:00:00Z")
    ended(output, "b", "2026-01-02T00:00:00Z")
    assert set(rows(runs)) == {"a", "b"}
    lines = output.manifest.read_bytes().splitlines(keepends=True)
    beside = output.path / "beside"
    beside.write_bytes(lines[1])
    beside.rename(output.manifest)
    shutil.rmtree(output.runs / "a")
    assert set(rows(runs)) == {"b"}


def test_figures_that_the_manifest_does_not_have_are_read_from_the_directory(
    output: OutputDir, runs: RunList, written: Callable[..., Writing]
) -> None:
    writing = written("lost", tags={"team": "x"})
    row = rows(runs)["lost"]
    assert row["status"] == "lost" and row["calls"] == 1 and row["cost"] == 0.0045 and row["tags"] == {"team": "x"}
    lock = writing.run.lock()
    written("going")
    going = OutputDir(output.path).run("going").lock()
    assert rows(runs)["going"]["status"] == "running"
    going.close()
    lock.close()
    assert rows(runs)["going"]["status"] == "lost"


@pytest.mark.parametrize("broken", ["snapshots/plan.json", "snapshots/pricing.json"])
def test_a_broken_run_spoils_nothing(
    client: TestClient, written: Callable[..., Writing], broken: str, output: OutputDir
) -> None:
    ended(output, "sound", "2026-01-01T00:00:00Z")
    (written("broken").run.path / broken).write_bytes(b'{"a": \xff')
    listed = client.get("/api/runs").json()["rows"]
    assert {row["id"]: row["status"] for row in listed} == {"sound": "done", "broken": "lost"}
    answer = client.get("/api/runs/broken")
    assert answer.status_code == 404 and "cannot be read" in answer.json()["error"]


@pytest.mark.parametrize("run_id", ["../../etc", "a/b", "..", "x" * 5_000, "<b>", "a\u202eb", "\x00"])
def test_a_manifest_may_name_runs_in_any_way(output: OutputDir, client: TestClient, run_id: str) -> None:
    manifest.append(output, ManifestLine(run_id, started_at="2026-01-01T00:00:00Z", status="running"))
    manifest.append(output, ManifestLine("beside", recipe="\x1b" * 10_000, tags={"<i>": "\x00"}))
    listed = {row["id"]: row for row in client.get("/api/runs").json()["rows"]}
    assert listed[run_id]["gone"] and listed["beside"]["gone"]


def test_ten_thousand_runs_are_listed_quickly(tmp_path: Path, client: TestClient) -> None:
    """The share of CPU time that is ours: a busy machine takes longer for all."""
    lines = []
    for n in range(10_000):
        at = iso(1_700_000_000 + n * 100)
        line = {"schema_version": "manifest_v1", "run_id": f"run-{n:05}", "recipe": "nightly", "started_at": at}
        totals = {"metered": True, "wall_seconds": n / 10, "calls": n, "cost": 0.25, "cost_status": "priced"}
        lines.append(json.dumps({**line, "status": "running"}))
        lines.append(
            json.dumps({**line, "status": "done", "ended_at": at, "totals": totals, "tags": {"team": "search"}})
        )
        (tmp_path / "runs" / f"run-{n:05}").mkdir(parents=True)
    (tmp_path / "run_manifest.jsonl").write_text("\n".join(lines) + "\n")
    begin = time.process_time()
    told = client.get("/api/runs")
    first = time.process_time() - begin
    begin = time.process_time()
    assert len(client.get("/api/runs").json()["rows"]) == 10_000
    print(f"first {first * 1000:.0f} ms, then {(time.process_time() - begin) * 1000:.0f} ms of CPU")
    assert len(told.json()["rows"]) == 10_000
    assert client.get(f"/api/runs?since={told.json()['version']}").json()["rows"] == []
