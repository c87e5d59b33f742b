"""Which runs are old, and how to be rid of them."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from taximeter.errors import RunDirError
from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine
from taximeter.report.build import build
from taximeter.report.repair import append_end
from taximeter.report.runs import known_runs
from taximeter.rundir import OutputDir, RunDir


class OldRun(msgspec.Struct, frozen=True):
    """A run that could go."""

    run_id: str
    ended_at: str
    """UTC, ISO 8601: of its end, or of the last change of its directory."""

    size_bytes: int


def old_runs(output: OutputDir, before: float) -> list[OldRun]:
    """Runs that nobody holds and that ended before a moment (seconds since the epoch), the oldest first."""
    found = []
    for line in known_runs(output):
        run = output.run(line.run_id)
        if run.path.parent != output.runs or not run.path.is_dir() or run.path.is_symlink() or not run.is_one():
            continue
        ended = _ended(run, line.ended_at)
        if ended < before and not run.is_held():
            moment = datetime.fromtimestamp(ended, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            found.append(OldRun(line.run_id, moment, _size(run.path)))
    return sorted(found, key=lambda run: run.ended_at)


def remove(output: OutputDir, runs: list[OldRun]) -> list[OldRun]:
    """Removes the directories of runs that no driver has now, and gives those. Their figures stay in the manifest."""
    lines = {line.run_id: line for line in manifest.read(output)}
    return [run for run in runs if _remove(output.run(run.run_id), lines.get(run.run_id))]


def _remove(run: RunDir, line: ManifestLine | None) -> bool:
    if run.is_held():
        return False
    if line is None or not line.totals:  # a program that recorded itself, or a driver that was killed
        with suppress(RunDirError, OSError):  # nobody can say what a broken run has cost
            append_end(run, build(run), line)
    shutil.rmtree(run.path)
    return True


def _ended(run: RunDir, told: str | None) -> float:
    """A run without a word on its end has ended when its directory was last changed, at the earliest."""
    newest = max((path.stat().st_mtime for path in (run.path, *run.journals())), default=0.0)
    if told is None:
        return newest
    try:
        return max(datetime.fromisoformat(told).timestamp(), 0.0)
    except ValueError:
        return newest


def _size(folder: Path) -> int:
    """Bytes on the disk."""
    total = 0
    for root, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(root, name)).st_blocks * 512  # noqa: PTH118 - a Path for each costs more
            except FileNotFoundError:
                continue
    return total
