"""Spans in short: what all of a process have in common stands in its journal once, in the span of the process."""

from __future__ import annotations

from typing import Any, Self

import msgspec

from taximeter.events import Event, SpanEvent


class Origin(msgspec.Struct, frozen=True, gc=False):
    """What the spans of one process in one run have in common."""

    process_id: str
    run_id: str
    pid: int | None
    attempt: int | None
    shard: int | None

    @classmethod
    def of(cls, span: SpanEvent) -> Self:
        """As the span of a process says it."""
        return cls(span.event_id[0], span.run_id, span.pid, span.attempt, span.shard)


class ShortSpan(msgspec.Struct, omit_defaults=True, gc=False, tag="span_short_v1", tag_field="schema_version"):
    """A span that is done, without what its process says of all: the fields mean what they mean in `SpanEvent`.

    Half as long as the whole record, and half as dear.
    """

    seq: int
    trace_id: str
    span_id: str
    span: str
    started_at: float
    wall_ms: float
    parent_id: str | None = None
    parent_span: str | None = None
    stage: str | None = None
    stage_id: str | None = None
    session_id: str | None = None
    tags: dict[str, str] | None = None
    meta: dict[str, Any] | msgspec.Raw | None = None
    """As it is, or encoded already."""

    def whole(self, origin: Origin) -> SpanEvent:
        """The record with all its fields."""
        meta = self.meta
        return SpanEvent(
            (origin.process_id, self.seq),
            origin.run_id,
            self.trace_id,
            self.span_id,
            "span",
            self.span,
            self.started_at,
            self.parent_id,
            self.parent_span,
            self.stage,
            self.stage_id,
            origin.attempt,
            origin.shard,
            self.session_id,
            self.tags,
            origin.pid,
            self.started_at + self.wall_ms / 1e3,
            self.wall_ms,
            None,
            None,
            True,
            "done",
            None,
            msgspec.json.decode(meta) if isinstance(meta, msgspec.Raw) else meta,
        )


class _StoredSpan(ShortSpan, tag="span_short_v1", tag_field="schema_version"):
    """The same when it is read."""

    meta: dict[str, Any] | None = None


_records = msgspec.json.Decoder(Event | _StoredSpan)


class EventReader:
    """Makes the lines of one journal whole events, in the order in which they stand there.

    Spans in short are of the process whose span came first, in the run that it named last.
    """

    def __init__(self) -> None:
        self._origin: Origin | None = None

    def event(self, line: bytes) -> Event:
        """The event in a line. What `UNREADABLE` names, if there is none; ValidationError if it is no event, or one in
        short and no process has said whose."""
        record: Event | ShortSpan = _records.decode(line)
        if isinstance(record, ShortSpan):
            if self._origin is None:
                raise msgspec.ValidationError("a span in short, and the span of its process does not stand before it")
            return record.whole(self._origin)
        if isinstance(record, SpanEvent) and record.kind == "process":
            origin = Origin.of(record)
            if self._origin is None or self._origin.process_id == origin.process_id:
                self._origin = origin
        return record
