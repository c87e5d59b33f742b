"""What tests look at: events as a recorder or a file gives them back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from taximeter.events import CallEvent, Event, SpanEvent
from taximeter.journal.reader import RESERVED, LineReader
from taximeter.journal.short import EventReader
from taximeter.recorder.recorder import Recorder
from taximeter.recorder.sinks.memory import MemorySink
from taximeter.rundir import MANIFEST


def events(recorder: Recorder) -> list[Event]:
    assert isinstance(recorder.sink, MemorySink)
    return recorder.sink.get_events()


def read(*paths: Path) -> list[Event]:
    return [event for path in paths for event in _events_of(path)]


def _events_of(path: Path) -> list[Event]:
    reader = EventReader()
    return [reader.event(line.data) for line in LineReader(path, end=RESERVED).lines() if line.data]


def read_all(folder: Path) -> list[Event]:
    return read(
        *sorted(p for p in folder.rglob("*") if p.name.endswith((".jsonl", ".jsonl.open")) and p.name != MANIFEST)
    )


def spans(found: Iterable[Event], *, closed: bool = True) -> dict[str, SpanEvent]:
    """Spans and stages by name, as far as they are closed."""
    wanted = (e for e in found if isinstance(e, SpanEvent) and e.kind in ("span", "stage"))
    return {e.span: e for e in wanted if not closed or e.ended_at is not None}


def calls(found: Iterable[Event]) -> list[CallEvent]:
    return [e for e in found if isinstance(e, CallEvent)]


def of_recorder(recorder: Recorder) -> dict[str, Any]:
    return spans(events(recorder))
