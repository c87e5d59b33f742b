"""The list of runs survives torn lines and says the latest of each run."""

from decimal import Decimal
from pathlib import Path

import pytest

from taximeter.ledger import manifest
from taximeter.ledger.manifest import GitState, ManifestLine, RunTotals
from taximeter.rundir import OutputDir


def test_a_later_line_says_more_about_the_same_run(tmp_path: Path) -> None:
    output = OutputDir(tmp_path)
    started = ManifestLine(run_id="a", recipe="r", started_at="2026-01-01T00:00:00.000Z", status="running")
    manifest.append(output, started)
    totals = RunTotals(metered=True, calls=3, cost=Decimal("0.0000000004"))
    manifest.append(output, ManifestLine(run_id="a", status="done", totals=totals, git=GitState("abc", True)))
    (run,) = manifest.read(output)
    assert (run.recipe, run.status, run.totals, run.git) == ("r", "done", totals, GitState("abc", True))
    assert '"cost":0.0000000004' in output.manifest.read_text()


def test_a_run_that_goes_on_keeps_its_start_and_loses_its_end(tmp_path: Path) -> None:
    output = OutputDir(tmp_path)
    begun = ManifestLine("a", started_at="2026-01-01T00:00:00.000Z", status="running")
    manifest.append(output, begun)
    manifest.append(output, ManifestLine("a", ended_at="2026-01-01T00:00:09.000Z", status="done", totals=RunTotals()))
    manifest.append(output, ManifestLine("a", status="running"))
    assert manifest.read(output) == [begun]
    again = ManifestLine("a", started_at="2026-01-02T00:00:00.000Z", status="running")
    manifest.append(output, again)
    assert manifest.read(output) == [again]


def test_the_newest_start_comes_first(tmp_path: Path) -> None:
    output = OutputDir(tmp_path)
    for run_id, day in (("a", 2), ("b", 3), ("c", 1)):
        manifest.append(output, ManifestLine(run_id=run_id, started_at=f"2026-01-0{day}T00:00:00.000Z"))
    assert [run.run_id for run in manifest.read(output)] == ["b", "a", "c"]


@pytest.mark.parametrize(
    "garbage", [b'{"schema_version":"manifest_v1","run', b'{"schema_version":"\xff\xfe"}', b'{"a":' * 50_000]
)
def test_a_line_that_cannot_be_read_costs_only_itself(tmp_path: Path, garbage: bytes) -> None:
    output = OutputDir(tmp_path)
    manifest.append(output, ManifestLine(run_id="a"))
    with output.manifest.open("ab") as file:
        file.write(garbage)
    manifest.append(output, ManifestLine(run_id="b"))
    assert {run.run_id for run in manifest.read(output)} == {"a", "b"}


def test_no_manifest_is_no_runs(tmp_path: Path) -> None:
    assert manifest.read(OutputDir(tmp_path)) == []
