"""Closed spans and calls to any receiver of OTLP over HTTP, by OpenTelemetry's own exporter."""

from __future__ import annotations

import threading
from collections import deque
from functools import partial

from taximeter.errors import Problem, SetupError
from taximeter.events import Event, SpanEvent
from taximeter.recorder.guard import guarded
from taximeter.recorder.sinks.courier import Courier
from taximeter.recorder.sinks.later import LaterSink

CAPACITY = 10_000
"""Events that wait at most; what comes above is dropped, and counted."""

BATCH = 500


class OtlpSink:
    """Exports to `endpoint`; without one to where `OTEL_EXPORTER_OTLP_ENDPOINT` says, else to `localhost:4318`.

    All `OTEL_EXPORTER_OTLP_*`, `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` count. What waits is in memory,
    10,000 events at most; what the receiver does not take within the exporter's own retries is dropped. SetupError
    if the extra `otlp` is not installed.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource

            from taximeter.recorder.sinks.otlp_span import to_span
        except ImportError as error:
            raise SetupError(Problem(f"OTLP needs a package: {error}", hint="pip install 'taximeter[otlp]'")) from None
        self._endpoint = endpoint
        self._exporter = OTLPSpanExporter(endpoint=endpoint)
        self._to_span = partial(to_span, resource=Resource.create())
        self._waiting: deque[Event] = deque()
        self._is_busy = False
        self._counting = threading.RLock()
        self._dropped = 0
        self._is_closed = False
        self._courier = Courier("taximeter-otlp", self._run)
        self._courier.start()

    def emit(self, event: Event) -> None:
        """Takes one event; a span that is still open says nothing yet."""
        if isinstance(event, SpanEvent) and event.ended_at is None:
            return
        if len(self._waiting) >= CAPACITY or self._courier.is_ending:
            self._drop(1)
            return
        self._waiting.append(event)
        self._courier.tell()

    def flush(self, timeout: float) -> bool:
        """Waits until everything is taken or dropped."""
        return self._courier.wait(timeout, lambda: not self._waiting and not self._is_busy)

    def begin_close(self) -> None:
        """Takes no event any more, and gives the thread a moment for what is left."""
        self._courier.begin_close()

    def close(self) -> None:
        """Waits at most 1.5 s, from `begin_close` on; what is left then is dropped."""
        self.begin_close()
        self._courier.join()
        if not self._is_closed:
            self._is_closed = True
            self._exporter.shutdown()  # ends its waiting between retries, too

    def losses(self) -> dict[str, int]:
        """Events that were dropped."""
        return {"dropped": self._dropped} if self._dropped else {}

    def in_child(self) -> LaterSink:
        """An exporter and a thread of the child's own, when the child says something."""
        return LaterSink(partial(OtlpSink, self._endpoint))

    def _run(self) -> None:
        self._courier.carry(self._send)

    def _send(self) -> None:
        self._is_busy = True
        self._courier.is_told = False
        while self._waiting:
            self._export([self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))])
        self._is_busy = False

    @guarded
    def _export(self, events: list[Event]) -> None:
        from opentelemetry.sdk.trace.export import SpanExportResult

        if self._exporter.export([self._to_span(event) for event in events]) is not SpanExportResult.SUCCESS:
            self._drop(len(events))

    def _drop(self, events: int) -> None:
        with self._counting:
            self._dropped += events
