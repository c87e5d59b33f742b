"""Spans of OpenTelemetry that services send: each once, in a run for each service and day unless they name theirs."""

from __future__ import annotations

import hashlib
import os
from asyncio import Future
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from taximeter.events import CallEvent, Event, SpanEvent
from taximeter.ingest.otlp import OtlpSpan, events_of, text_of
from taximeter.journal.line import to_line
from taximeter.rundir import safe_name
from taximeter.semconv import OWN
from taximeter.web.collect.batch import Batch, Dirty
from taximeter.web.collect.check import OTLP, doubt_of
from taximeter.web.collect.handles import Handles
from taximeter.web.collect.recent import Recent
from taximeter.web.collect.shelf import Shelf
from taximeter.web.collect.stream import Stream
from taximeter.web.collect.verdict import Rejection, Verdict

_KNOWN = 5_000
"""Spans of one process that are known again; what is sent twice comes soon after."""

_TAIL = 8 << 20
"""Bytes at the end of a file in which they stand, and the latest record of the process."""

SPAN = 1_500
"""Bytes that a span takes until it is written: many a one has fifty on its way here."""

_PROCESS = b'"kind":"process"'

_SPAN = "otlp_span_id"
"""The span that a call was, in the `meta` of the call: its own `span_id` is that of the region around it."""


class _Line(msgspec.Struct, gc=False):
    """What tells spans apart, of a line that was written."""

    trace_id: str | None = None
    span_id: str | None = None
    kind: str = ""
    meta: dict[str, object] | None = None
    started_at: float | None = None
    ended_at: float | None = None


_line = msgspec.json.Decoder(_Line)


class TraceStream(Stream):
    """What one process has sent. Its spans have no numbers: they get them here, and are known by their ids.

    The process itself is told of as one span, from the first to the last, so that a run has a length.
    """

    __slots__ = ("_known", "began", "ended")

    def __init__(self, path: Path, process: str, handles: Handles) -> None:
        self._known = Recent(_KNOWN)
        self.began: float | None = None
        self.ended = 0.0
        """Seconds since the epoch."""

        super().__init__(path, process, handles)

    def take_event(self, key: str, event: Event) -> bool:
        """Takes an event to be written, and numbers it; false if it is known."""
        if not self._known.add(key):
            return False
        self._cover(event.started_at, event.ended_at if isinstance(event, SpanEvent) else None)
        self.number(event)
        return True

    def number(self, event: Event) -> None:
        """Takes an event to be written that was made here."""
        event.event_id = (self.process, self.next_seq)
        self.take(event.event_id[1], to_line(event)[:-1])

    def gain(self) -> int:
        """As of any stream; a known span is small."""
        before, self.counted = self.counted, 1 + len(self._known) // 8
        return self.counted - before

    def _first(self) -> int:
        """Not all of what a service has sent in a day: it is read again whenever there was no memory left for it."""
        fd = self._handles.of(self.path)
        begin = max(os.fstat(fd).st_size - _TAIL, 0)
        _, newline, tail = os.pread(fd, _TAIL, begin).partition(b"\n")
        return begin + _TAIL - len(tail) if begin and newline and _PROCESS in tail else 0

    def _cover(self, *moments: float | None) -> None:
        for moment in moments:
            if moment is not None:
                self.began = moment if self.began is None else min(self.began, moment)
                self.ended = max(self.ended, moment)

    def _learn(self, line: bytes) -> None:
        found = _line.decode(line)
        self._cover(found.started_at, found.ended_at)
        if found.kind != "process":
            self._known.add(f"{found.trace_id}{(found.meta or {}).get(_SPAN, found.span_id)}")


class TraceBatch(Batch):
    """Spans of one request."""

    def __init__(self, shelf: Shelf, spans: list[OtlpSpan], answer: Future[Verdict]) -> None:
        super().__init__(shelf, b"", answer)
        self.size = len(spans) * SPAN
        self._spans = spans

    def take(self, dirty: Dirty) -> None:
        """Hands each span to the process that it comes from. OSError as ever."""
        touched: dict[tuple[str, str], TraceStream] = {}
        for index, (span, event) in enumerate(events_of(self._spans, self.shelf.around)):
            event.run_id, process = _run_id(span), _process(span)
            event.event_id = (process, 0)
            if isinstance(event, CallEvent):
                event.meta = (event.meta or {}) | {_SPAN: span.span_id}
            doubt = doubt_of(msgspec.structs.replace(event, event_id=("otlp", 0)))
            if doubt is not None:
                self.verdict.rejected.append(Rejection(index, 400, doubt))
                continue
            run = self._run_of(event, process, dirty)
            run.others_open = True  # a service does not say when it ends
            stream = self.shelf.stream(run, process, TraceStream)
            if stream.take_event("".join(span.key), event):
                touched[event.run_id, process] = stream
                self.events.append(event)
            else:
                self.verdict.duplicate += 1
        for (run_id, process), stream in touched.items():
            stream.number(_process_span(run_id, process, stream))
        self.verdict.accepted = len(self.events)


def _run_id(span: OtlpSpan) -> str:
    """The run that it names, else that of its service and day."""
    named = text_of(span.attributes.get(f"{OWN}run_id")) or text_of(span.resource.get(f"{OWN}run_id"))
    day = datetime.fromtimestamp(span.started_at, UTC).strftime("%Y-%m-%d")
    return named or f"{safe_name(_service(span))}-{day}"


def _process(span: OtlpSpan) -> str:
    instance = text_of(span.resource.get("service.instance.id"))
    return f"{OTLP}{_service(span)}" + (f":{instance}" if instance else "")


def _service(span: OtlpSpan) -> str:
    return text_of(span.resource.get("service.name")) or "unknown_service"


def _process_span(run_id: str, process: str, stream: TraceStream) -> SpanEvent:
    began = stream.began or 0.0
    return SpanEvent(
        (process, 0),
        run_id,
        hashlib.sha256(run_id.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        hashlib.sha256(process.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        "process",
        process.removeprefix(OTLP),
        began,
        ended_at=stream.ended,
        wall_ms=(stream.ended - began) * 1000,
        ok=True,
        status="done",
    )
