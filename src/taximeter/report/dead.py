"""Closes the event files of processes that died before they could."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from taximeter.events import Event, SpanEvent
from taximeter.journal.mend import close_abandoned
from taximeter.journal.reader import RESERVED, UNREADABLE, LineReader
from taximeter.journal.writer import OPEN_SUFFIX
from taximeter.recorder.pids import lives, pid_space
from taximeter.rundir import RunDir

_events = msgspec.json.Decoder(Event)


class Repair(msgspec.Struct, frozen=True):
    """What was done about one file."""

    path: str
    """From the run directory."""

    action: Literal["closed", "removed", "rebuilt", "left"]
    why: str


def close_dead(run: RunDir) -> list[Repair]:
    """Closes the event files of processes that are known to be dead."""
    return [_close(run, path) for path in run.journals() if path.name.endswith(OPEN_SUFFIX)]


def _close(run: RunDir, path: Path) -> Repair:
    name = str(path.relative_to(run.path))
    process = _process(path)
    if process is None:
        return Repair(name, "left", "it does not say which process writes it")
    if process.node != os.uname().nodename or not pid_space().items() <= (process.meta or {}).items():
        return Repair(name, "left", f"its process is of {process.node}, or of an earlier boot or another container")
    if lives(process):
        return Repair(name, "left", f"its process {process.pid} still runs")
    close_abandoned(path)
    return Repair(name, "closed", f"its process {process.pid} is gone")


def _process(path: Path) -> SpanEvent | None:
    """The span of the process that writes the file, which is among its first lines."""
    for line in LineReader(path, end=RESERVED).lines():
        try:
            event = _events.decode(line.data)
        except UNREADABLE:
            continue
        if isinstance(event, SpanEvent) and event.kind == "process":
            return event
    return None
