"""A run as spans of OpenTelemetry: to a receiver over HTTP, or as the protobuf message itself."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO

from taximeter.errors import Problem, SetupError, TaximeterError
from taximeter.events import CallEvent, SpanEvent
from taximeter.numbers import plural
from taximeter.pricing.cost import Cost

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

BATCH = 500

_CACHE_WRITE = ("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens")
"""The conventions have had both names for tokens written to a cache; receivers read one or the other."""

PROFILES = {
    "plain": (),
    "langfuse": ("gen_ai.usage.cost",),
    "phoenix": ("llm.cost.total",),
}
"""Names under which a receiver looks for the cost of a call; the conventions have none."""


class NotTakenError(TaximeterError):
    """The receiver did not take the spans."""


class OtlpSpans:
    """Takes a run, a span for each span and call, in batches. SetupError without the extra `otlp`.

    `profile` names the receiver whose attributes of cost are added. `write` is given each batch.
    """

    def __init__(self, out: FileOut | ReceiverOut, profile: str = "plain") -> None:
        try:
            from opentelemetry.sdk.resources import Resource

            from taximeter.recorder.sinks.otlp_span import to_span
        except ImportError as error:
            raise SetupError(Problem(f"OTLP needs a package: {error}", hint="pip install 'taximeter[otlp]'")) from None
        self._to_span = to_span
        self._resource = Resource.create()
        self._out = out
        self._cost_names = PROFILES[profile]
        self._batch: list[ReadableSpan] = []
        self.count = 0
        """How many spans were handed over."""

    def call(self, call: CallEvent, cost: Cost) -> None:
        """Takes a call."""
        more: dict[str, object] = dict.fromkeys(self._cost_names, _number(cost.amount))
        if call.usage.cache_write_input_tokens is not None:
            more |= dict.fromkeys(_CACHE_WRITE, call.usage.cache_write_input_tokens)
        more |= {"taximeter.cost_status": cost.status, "taximeter.cost": _number(cost.amount)}
        call.meta = {**(call.meta or {}), **{name: value for name, value in more.items() if value is not None}}
        self._add(self._to_span(call, self._resource))

    def span(self, span: SpanEvent) -> None:
        """Takes a span that has ended."""
        if span.ended_at is not None:
            self._add(self._to_span(span, self._resource))

    def finish(self) -> None:
        """Hands over what is left."""
        if self._batch:
            self._out.write(self._batch)
            self.count += len(self._batch)
            self._batch = []

    def _add(self, span: ReadableSpan) -> None:
        self._batch.append(span)
        if len(self._batch) >= BATCH:
            self.finish()


class FileOut:
    """Writes `ExportTraceServiceRequest` messages one behind the other: protobuf reads them as a single one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, spans: list[ReadableSpan]) -> None:
        """Writes a batch."""
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

        self._file.write(encode_spans(spans).SerializeToString())


class ReceiverOut:
    """Sends to an endpoint, such as `http://127.0.0.1:4318/v1/traces`; without one to where the variables
    `OTEL_EXPORTER_OTLP_*` say."""

    def __init__(self, endpoint: str | None) -> None:
        self._endpoint = endpoint

    def write(self, spans: list[ReadableSpan]) -> None:
        """Sends a batch; NotTakenError if the receiver does not take it within the exporter's own retries."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult

        if OTLPSpanExporter(endpoint=self._endpoint).export(spans) is not SpanExportResult.SUCCESS:
            raise NotTakenError(f"the receiver did not take {plural(len(spans), 'span')}: see the lines above")


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
