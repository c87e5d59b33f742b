"""`taximeter runs` and `taximeter show` on directories that real writers made."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from taximeter.cli import runs, show
from taximeter.errors import RunDirError
from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine, RunTotals
from taximeter.recipe.plan import Instrumentation
from taximeter.report.build import build
from taximeter.report.grid import grid, plain_grid
from taximeter.report.runs import run_totals
from taximeter.report.table import Column, table
from taximeter.rundir import OutputDir
from tests.runs import Writing, call, plan, stage


@pytest.fixture
def output(tmp_path: Path) -> OutputDir:
    for number, run_id in enumerate(("old", "new")):
        writing = Writing(tmp_path, plan([stage(1, "a")]), run_id)
        writing.clock.advance(number * 60)
        writing.start("a")
        writing.sink("a", call(prompt_tokens=1000, completion_tokens=0))
        writing.end("a")
        writing.close()
        report = build(writing.run)
        started = f"2026-01-01T00:0{number}:00.000Z"
        line = ManifestLine(run_id, "test", started_at=started, ended_at=report.ended_at, status="done")
        manifest.append(OutputDir(tmp_path), ManifestLine(run_id, started_at=started, status="running"))
        manifest.append(
            OutputDir(tmp_path), ManifestLine(run_id, ended_at=line.ended_at, status="done", totals=run_totals(report))
        )
    return OutputDir(tmp_path)


def invoke(command: object, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)  # type: ignore[arg-type]


@pytest.fixture
def in_india(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "IST-05:30")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_india")
def test_a_person_sees_the_time_of_the_clock_on_the_wall(output: OutputDir) -> None:
    manifest.append(output, ManifestLine("late", started_at="2025-12-31T20:00:00.000Z", status="running"))
    manifest.append(output, ManifestLine("odd", started_at="no time at all", status="running"))
    found = invoke(runs.command, "--output-dir", str(output.path))
    assert [line.partition("2026")[2][:12].strip() for line in found.stdout.splitlines() if "2026" in line] == [
        "-01-01 05:31",
        "-01-01 05:30",
        "-01-01 01:30",
    ]
    assert "no time at all" in found.stdout
    listed = json.loads(invoke(runs.command, "--output-dir", str(output.path), "--json").stdout)["runs"]
    assert "2025-12-31T20:00:00.000Z" in [run["started_at"] for run in listed]  # programs are told in UTC


@pytest.mark.parametrize(("name", "found"), [(None, "new"), ("latest", "new"), ("latest~1", "old"), ("old", "old")])
def test_a_run_is_found_by_name(output: OutputDir, name: str | None, found: str) -> None:
    arguments = [name] if name else []
    shown = invoke(show.command, *arguments, "--output-dir", str(output.path), "--json")
    assert json.loads(shown.stdout)["run_id"] == found


def test_a_run_is_found_by_its_directory(output: OutputDir) -> None:
    assert "old  done" in invoke(show.command, str(output.run("old").path)).stdout


@pytest.mark.parametrize("name", ["nobody", "latest~2", "latest~x", "../runs"])
def test_a_run_that_is_not_there_is_told(output: OutputDir, name: str) -> None:
    with pytest.raises(RunDirError, match="there is no run"):
        invoke(show.command, name, "--output-dir", str(output.path))


def test_runs_are_listed_newest_first(output: OutputDir) -> None:
    listed = json.loads(invoke(runs.command, "--output-dir", str(output.path), "--json").stdout)["runs"]
    assert [(run["run_id"], run["status"], run["totals"]["cost"]) for run in listed] == [
        ("new", "done", 0.003),
        ("old", "done", 0.003),
    ]
    text = invoke(runs.command, "--output-dir", str(output.path), "--limit", "1").stdout
    assert "$0.003" in text
    assert "old" not in text


def test_a_run_with_stand_ins_is_listed_as_such(output: OutputDir) -> None:
    writing = Writing(output.path, plan([stage(1, "a", mocked=True)]), "rehearsed")
    writing.start("a")
    writing.end("a")
    writing.close()
    totals = run_totals(build(writing.run))
    manifest.append(output, ManifestLine("rehearsed", started_at="2026-01-02", status="done", totals=totals))
    rows = invoke(runs.command, "--output-dir", str(output.path)).stdout.splitlines()[2:]
    assert ["done (mock)" in row for row in rows] == [True, False, False]


def test_a_run_whose_directory_is_gone_is_listed_as_lost(output: OutputDir) -> None:
    manifest.append(output, ManifestLine("gone", started_at="2026-01-02T00:00:00.000Z", status="running"))
    first = json.loads(invoke(runs.command, "--output-dir", str(output.path), "--json").stdout)["runs"][0]
    assert (first["run_id"], first["status"]) == ("gone", "lost")


def listed(output: OutputDir) -> list[dict[str, Any]]:
    runs_told: list[dict[str, Any]] = json.loads(
        invoke(runs.command, "--output-dir", str(output.path), "--json").stdout
    )["runs"]
    return runs_told


def test_runs_are_listed_and_found_without_a_manifest(output: OutputDir) -> None:
    output.manifest.unlink()
    assert [(run["run_id"], run["status"], run["totals"]["cost"]) for run in listed(output)] == [
        ("new", "done", 0.003),
        ("old", "done", 0.003),
    ]
    shown = invoke(show.command, "latest~1", "--output-dir", str(output.path), "--json")
    assert json.loads(shown.stdout)["run_id"] == "old"


def test_a_run_that_the_manifest_knows_to_its_end_is_not_opened(output: OutputDir) -> None:
    output.run("old").plan.write_text("{torn")
    assert [run["status"] for run in listed(output)] == ["done", "done"]


@pytest.mark.parametrize("broken", ["plan", "pricing"])
def test_a_broken_run_is_listed_as_lost_and_hides_no_other(output: OutputDir, broken: str) -> None:
    output.manifest.unlink()
    getattr(output.run("old"), broken).write_bytes(b'{"torn\xff')
    assert [(run["run_id"], run["status"]) for run in listed(output)] == [("new", "done"), ("old", "lost")]


def test_a_run_of_which_nothing_is_known_has_no_cost(output: OutputDir) -> None:
    manifest.append(output, ManifestLine("gone", started_at="2026-01-02T00:00:00.000Z", status="running"))
    assert listed(output)[0]["totals"] is None
    text = invoke(runs.command, "--output-dir", str(output.path), "--limit", "1").stdout
    assert "lost" in text
    assert "metered" not in text


def test_the_json_has_every_figure_of_a_run(tmp_path: Path) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a")], instrumentation=Instrumentation()))
    writing.close()
    (run,) = listed(OutputDir(tmp_path))
    assert run["totals"].keys() == set(RunTotals.__struct_fields__)
    assert (run["totals"]["calls"], run["totals"]["cost"]) == (0, None)


def test_no_runs_is_told_with_what_to_do(tmp_path: Path) -> None:
    told = invoke(runs.command, "--output-dir", str(tmp_path)).stderr
    assert told == f"No runs in {tmp_path}. `taximeter run RECIPE` makes one.\n"


def test_runs_that_have_ended_are_listed_without_what_builds_reports(output: OutputDir) -> None:
    code = (
        "import sys; from taximeter.cli.main import main\nsys.argv = ['taximeter', 'runs', '--output-dir', "
        f"{str(output.path)!r}]\ntry: main()\n"
        "except SystemExit: print([m for m in ('pydantic', 'taximeter.report.build') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *listed, loaded = done.stdout.splitlines()
    assert [line.split()[0] for line in listed[2:]] == ["new", "old"]
    assert loaded == "[]"


@pytest.mark.parametrize("width", [12, 40])
def test_a_table_without_colours_is_the_one_with_them(width: int) -> None:
    columns = [Column[str]("name", str, 2, right=False), Column[str]("状态", lambda row: f"{len(row)}", 1)]
    cells = table(columns, ["abc", "状态状态", "done", ""])
    console = Console(width=width, no_color=True, file=io.StringIO())
    with console.capture() as drawn:
        console.print(grid(cells, width))
    assert plain_grid(cells, width) == drawn.get().removesuffix("\n")
