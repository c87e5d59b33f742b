"""One logical request of an SDK, from the asking to the end of its answer."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter_ns
from typing import Any

import msgspec

from taximeter.capture.content import Content
from taximeter.events import CallEvent, CallKind, CallStatus
from taximeter.normalize.reading import Reading
from taximeter.recorder.captured import Where, record_captured
from taximeter.recorder.claims import BY_HAND, BY_SPANS
from taximeter.recorder.instance import RECORDER
from taximeter.recorder.reading import call_of
from taximeter.recorder.recording import trace_of


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What is known of a request before it is sent."""

    captured_by: str
    """The SDK."""

    endpoint: str
    kind: CallKind
    provider: str | None
    model: str | None
    stream: bool | None = False


class Exchange:
    """Waits for what is to be known of a request and its answer, and records each call once."""

    __slots__ = (
        "_began",
        "asked",
        "asks_usage",
        "content",
        "first_ns",
        "is_answered",
        "request_id",
        "server",
        "tries",
        "where",
    )

    def __init__(self, asked: Asked, where: Where) -> None:
        self.asked = asked
        self.where = where
        self.tries = 0
        """How often it was sent."""

        self.asks_usage = False
        """Whether the usage of a stream is asked for that the program did not ask for."""

        self.server: tuple[str, str | None] = ("", None)
        """Address of the server, and the model, of a request that may ask for it."""

        self.request_id: str | None = None
        self.first_ns: int | None = None
        """When the first token came, on the monotonic clock."""

        self.content = Content() if RECORDER.options.content else None
        """What is asked and answered; None unless somebody wants to keep it."""

        self.is_answered = False
        if asked.stream:
            BY_HAND.awaits_streams = True
        self._began = perf_counter_ns()

    def asks(self, body: Any) -> None:
        """The body of the request, as the SDK sends it."""
        if self.content is not None:
            self.content.ask(body)

    def tells(self, part: bytes | str) -> None:
        """The body of the answer, or an event of it."""
        if self.content is not None:
            self.content.tell(part)

    def answered(self, readings: Iterable[Reading]) -> None:
        """Records what the answer tells: a call for each reading."""
        self.is_answered = True
        request_ms = (perf_counter_ns() - self._began) / 1e6
        for reading in readings:
            self.record(self.call(reading, request_ms))

    def record(self, call: CallEvent) -> None:
        """Records a call in the place where the request began; not one that was told by hand while it was streamed."""
        if self.asked.stream and BY_HAND.was_told(call, trace_of(self.where.span), self._began / 1e9):
            return
        record_captured(call, self.where)
        if BY_SPANS.is_open:
            BY_SPANS.offer(call, None)

    def ended(self, status: CallStatus) -> None:
        """Records a request whose answer tells nothing."""
        self.answered((Reading(status=status),))

    def call(self, reading: Reading, request_ms: float | None) -> CallEvent:
        """What one reading tells, as a call; `request_ms` is None of one that was bought by another request."""
        asked, call = self.asked, call_of(reading, self.asked.model)
        call.kind = "embedding" if reading.operation == "embeddings" else asked.kind
        call.provider = asked.provider or reading.provider
        call.endpoint = asked.endpoint or None
        call.request_id, call.tries, call.stream = self.request_id, self.tries or None, asked.stream
        call.request_ms = request_ms
        call.ttft_ms = None if self.first_ns is None else (self.first_ns - self._began) / 1e6
        call.captured_by = asked.captured_by
        if self.content is not None:
            call.meta = {**(call.meta or {}), **self.content.meta(bool(asked.stream))} or None
        return call
