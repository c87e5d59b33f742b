"""Lines of JSON as events: a journal of ours, or a file of calls as programs write them to a sink."""

from __future__ import annotations

from pathlib import Path

from taximeter.errors import Problem, SetupError
from taximeter.events import Event, SpanEvent
from taximeter.journal.reader import RESERVED, UNREADABLE, LineReader
from taximeter.journal.short import EventReader
from taximeter.ledger.sink import SinkCall, read_records

_OUTSIDE = ""


class Lines:
    """The events of a file."""

    def __init__(self, path: Path) -> None:
        self.unreadable = 0
        """Lines that are none of ours; they are left out."""

        self._path = path
        self._journal = EventReader()

    def events(self) -> list[Event]:
        """All that it tells, each event once. SetupError if it cannot be read or has no line of ours."""
        reader = LineReader(self._path, end=RESERVED)
        seen: dict[tuple[str, int] | str, Event] = {}
        for line in (*reader.lines(), *filter(None, [reader.tail()])):
            if not line.data.strip():
                continue
            for event in self._read(line.data, line.offset):
                key = event.span_id if isinstance(event, SpanEvent) else event.event_id
                seen[key] = event  # of the records of one span the last one counts
        if reader.is_strange or not self._path.exists():
            raise SetupError(Problem("there is no file to read", path=str(self._path)))
        if not seen and self.unreadable:
            hint = "write one event or call of ours a line: docs/metering.md shows them"
            raise SetupError(Problem("no line of it is an event or a call", hint, path=str(self._path)))
        return [event for event in seen.values() if not isinstance(event, SpanEvent) or event.kind != "run"]

    def _read(self, data: bytes, offset: int) -> list[Event]:
        try:
            return [self._journal.event(data)]
        except UNREADABLE:
            records = read_records(data)
        found: list[Event] = []
        for record in records:
            if isinstance(record, SinkCall):
                call = record.to_event((_OUTSIDE, offset), "", record.stage_id or _OUTSIDE, 1)
                call.stage_id, call.attempt = record.stage_id, None
                found.append(call)
            else:
                self.unreadable += 1
        return found
