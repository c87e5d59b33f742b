"""A run of programs lasts as long as any of them works in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from taximeter.events import SpanEvent, SpanKind, Status
from taximeter.report.build import build
from taximeter.report.programs import over_programs
from taximeter.report.prune import old_runs
from taximeter.report.runs import list_runs
from taximeter.rundir import OutputDir, RunDir

WORKER = """
import sys, taximeter
taximeter.enable(run_id="svc", output_dir=sys.argv[1])
taximeter.log_llm_usage("gpt-5", 1, 1)
print(flush=True)
input()
"""


class Worker:
    def __init__(self, out: Path) -> None:
        command = [sys.executable, "-c", WORKER, str(out)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.process.stdout.readline()

    def end(self) -> None:
        self.process.communicate(b"\n")

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_a_service_goes_on_while_the_worker_that_began_its_run_is_replaced(tmp_path: Path) -> None:
    run, output = RunDir(tmp_path / "runs" / "svc"), OutputDir(tmp_path)
    first, other = Worker(tmp_path), Worker(tmp_path)
    first.end()
    assert (build(run).status, build(run).ended_at) == ("running", None)
    assert [line.status for line in list_runs(output)] == ["running"]
    assert old_runs(output, before=2e9 * 10) == [], "it is in use"
    third = Worker(tmp_path)
    third.end()
    assert build(run).status == "running"
    other.end()
    report = build(run)
    assert (report.status, report.totals.calls) == ("done", 3)
    assert report.started_at is not None
    assert report.ended_at is not None
    assert report.started_at < report.ended_at
    assert len(old_runs(output, before=2e9 * 10)) == 1


def test_so_it_does_when_that_worker_is_killed(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "runs" / "svc")
    first, other = Worker(tmp_path), Worker(tmp_path)
    first.kill()
    assert build(run).status == "running"
    other.kill()
    assert (build(run).status, build(run).totals.calls) == ("lost", 2)


def span(kind: SpanKind, number: int, began: float, ended: float | None, **more: object) -> SpanEvent:
    status: Status = "running" if ended is None else "done"
    return SpanEvent(
        (f"p{number}", 0), "r", "t", f"{kind}{number}", kind, "x", began, ended_at=ended, status=status, **more
    )


@pytest.mark.parametrize(
    ("runs", "processes", "goes_on", "sittings"),
    [
        ([(0, 10)], [(0, 10)], False, [(0, 10, "done")]),
        ([(0, 10)], [(0, 10), (1, 30)], False, [(0, 30, "done")]),
        ([(0, 10)], [(0, 10), (1, None)], True, [(0, None, "done")]),
        ([(0, 10)], [(0, 10), (1, None)], False, [(0, 10, "done")]),
        ([(0, None)], [(0, None), (1, 20)], False, [(0, None, "running"), (1, None, "running")]),
        ([(0, 10), (50, 60)], [(0, 10), (50, 60)], False, [(0, 10, "done"), (50, 60, "done")]),
        ([(0, 10), (12, 20)], [(0, 10), (5, 15), (12, 20)], False, [(0, 20, "done")]),
        ([], [(0, 10), (20, 30)], False, [(0, 30, "done")]),
        ([(5, 10)], [(0, None), (5, 10)], False, [(0, 0, "done"), (5, 10, "done")]),
        ([], [], False, []),
    ],
)
def test_from_the_first_to_the_last_without_pauses(
    runs: list[tuple[float, float | None]],
    processes: list[tuple[float, float | None]],
    goes_on: bool,
    sittings: list[tuple[float, float | None, str]],
) -> None:
    told = over_programs(
        [span("run", n, *at) for n, at in enumerate(runs)],
        [span("process", n, *at) for n, at in enumerate(processes)],
        goes_on,
    )
    assert [(one.started_at, one.ended_at, one.status) for one in told] == sittings
    assert [one.wall_ms for one in told] == [
        None if end is None else (end - begin) * 1000 for begin, end, _ in sittings
    ]
