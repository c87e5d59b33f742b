"""A run made of what others recorded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable

import msgspec

from taximeter.errors import RunDirError
from taximeter.events import CallEvent, Event, SpanEvent
from taximeter.journal.writer import Journal
from taximeter.pricing.sheet import Sheet
from taximeter.rundir import RunDir, replace

_FILE = "import.jsonl"


class Imported(msgspec.Struct, frozen=True):
    """A run that was imported."""

    run: RunDir
    calls: int
    started_at: float
    ended_at: float
    """Seconds since the epoch: of the first event and of the last."""


def import_run(run: RunDir, sheet: Sheet, events: Iterable[Event], node: str) -> Imported:
    """Makes a run directory of events, which get its id; prices are those of the sheet, frozen with it.

    `node` says where the events come from. A run that was imported before is made anew; RunDirError for any other run
    of that id, and if there are no events.
    """
    found = list(events)
    if not found:
        raise RunDirError("there is nothing to import: no calls and no spans were found")
    if run.path.exists():
        _discard(run)
    run.create()
    replace(run.pricing, sheet.encoded)
    times = [moment for event in found for moment in _times(event)]
    started_at, ended_at = min(times, default=0.0), max(times, default=0.0)
    process = os.urandom(6).hex()
    journal = Journal(run.events / _FILE)
    try:
        journal.append(_run_span(process, run.run_id, started_at, ended_at, node))
        for number, event in enumerate(found, 1):
            event.event_id, event.run_id = (process, number), run.run_id
            journal.append(event)
    finally:
        journal.close()
    return Imported(run, sum(isinstance(event, CallEvent) for event in found), started_at, ended_at)


def _discard(run: RunDir) -> None:
    """Takes an earlier import away, and nothing else."""
    journals = [path.name for path in run.journals()]
    if journals != [_FILE] or run.plan.exists():
        raise RunDirError(f"{run.path} was not imported: choose another --run-id")
    shutil.rmtree(run.path)


def _times(event: Event) -> Iterable[float]:
    if event.started_at is None:
        return ()
    lasted = event.request_ms if isinstance(event, CallEvent) else event.wall_ms
    return event.started_at, event.started_at + (lasted or 0.0) / 1000


def _run_span(process: str, run_id: str, started_at: float, ended_at: float, node: str) -> SpanEvent:
    return SpanEvent(
        (process, 0),
        run_id,
        f"{process}{0:020x}",
        f"{process}{0:04x}",
        "run",
        run_id,
        started_at,
        ended_at=ended_at,
        wall_ms=(ended_at - started_at) * 1000,
        ok=True,
        status="done",
        node=node,
    )
