"""The list of runs: what the manifest says, and for a run that it does not know to the end what its folder says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from taximeter import numbers
from taximeter.errors import RunDirError
from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine, RunTotals
from taximeter.redact import visible
from taximeter.report.table import Column
from taximeter.report.wording import cost_text, cpu, local_minute
from taximeter.rundir import OutputDir, RunDir

if TYPE_CHECKING:
    from taximeter.report import records


def list_runs(output: OutputDir) -> list[ManifestLine]:
    """One line a run, newest first. A run that has no end yet is running or lost, with its figures so far.

    A program that recorded itself leaves it to us to add its figures up.
    """
    return [line if line.ended_at and line.totals else _so_far(line, output) for line in known_runs(output)]


def known_runs(output: OutputDir) -> list[ManifestLine]:
    """What the manifest says of each run, newest first; only runs that it does not name are read from their folders."""
    lines = manifest.read(output)
    named = {line.run_id for line in lines}
    lines += [_so_far(ManifestLine(run_id), output) for run_id in _folders(output) if run_id not in named]
    return sorted(lines, key=lambda line: line.started_at or "", reverse=True)


def find_run(name: str, output: OutputDir) -> RunDir:
    """The run that a person means: a run id, `latest`, `latest~1`, the path of a run directory, event files."""
    latest, _, back = name.partition("~")
    if latest == "latest" and (back.isdigit() or not back):
        runs = known_runs(output)
        if int(back or 0) >= len(runs):
            raise RunDirError(f"there is no run {name} in {output.path}: it has {numbers.plural(len(runs), 'run')}")
        return output.run(runs[int(back or 0)].run_id)
    for run in (output.run(name), RunDir(Path(name))):
        if run.is_one():
            return run
    pattern = Path(name)
    files = [path for path in Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))) if path.is_file()]
    if files:
        from taximeter.report.loose import EventFiles

        return EventFiles(files)
    raise RunDirError(f"there is no run {name} in {output.runs}: `taximeter runs` lists them")


def _folders(output: OutputDir) -> list[str]:
    try:
        with os.scandir(output.runs) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except FileNotFoundError:
        return []


def run_totals(report: records.RunInstrumentation) -> RunTotals:
    """The figures of a report that stand in the manifest."""
    return RunTotals(
        metered=report.metered,
        mocked=report.mocked,
        wall_seconds=report.wall_seconds,
        cpu_seconds=cpu(report),
        calls=report.totals.calls,
        prompt_tokens=report.totals.prompt_tokens,
        completion_tokens=report.totals.completion_tokens,
        cost=report.totals.cost,
        cost_status=report.totals.cost_status,
        currency=report.pricing.currency,
    )


def _so_far(line: ManifestLine, output: OutputDir) -> ManifestLine:
    from taximeter.report.build import build  # a list of runs that have ended is made without what builds reports

    try:
        report = build(output.run(line.run_id))
    except (RunDirError, OSError):  # the directory is gone, or broken: nobody knows more
        return msgspec.structs.replace(line, status="lost")
    return line_of(report, line)


def line_of(report: records.RunInstrumentation, line: ManifestLine) -> ManifestLine:
    """What the manifest says of a run, and the rest as its report has it."""
    return msgspec.structs.replace(
        line,
        recipe=report.recipe_name,
        started_at=report.started_at or line.started_at,
        ended_at=report.ended_at,
        status=report.status,
        totals=run_totals(report),
        tags=report.tags or None,
    )


def run_columns() -> list[Column[ManifestLine]]:
    """Columns of a table with one row a run."""
    column = Column[ManifestLine]
    return [
        column("run", lambda r: visible(r.run_id), 100, right=False),
        column("status", _status, 99, right=False),
        column("started", lambda r: local_minute(r.started_at), 60, right=False),
        column("wall", lambda r: numbers.seconds(_totals(r).wall_seconds), 90),
        column("CPU", lambda r: numbers.seconds(_totals(r).cpu_seconds), 30),
        column("calls", lambda r: _count(r, _totals(r).calls), 50),
        column("tokens in", lambda r: _count(r, _totals(r).prompt_tokens), 71),
        column("out", lambda r: _count(r, _totals(r).completion_tokens), 70),
        column("cost", _cost, 98),
    ]


def _totals(line: ManifestLine) -> RunTotals:
    return line.totals or RunTotals()


def _status(line: ManifestLine) -> str:
    return (line.status or numbers.UNKNOWN) + (" (mock)" if _totals(line).mocked else "")


def _count(line: ManifestLine, count: int) -> str:
    return numbers.count(count) if _totals(line).metered else numbers.UNKNOWN


def _cost(line: ManifestLine) -> str:
    if line.totals is None:
        return numbers.UNKNOWN
    totals = line.totals
    return cost_text(totals.cost, totals.cost_status, totals.currency) if totals.metered else "not metered"
