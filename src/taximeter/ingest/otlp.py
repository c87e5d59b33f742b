"""Spans of OpenTelemetry as events: those of GenAI calls become calls, all others regions of time.

Reads `ExportTraceServiceRequest` as protobuf and as JSON, one message or one a line, as exporters to files write it.
Source: the OTLP 1.x protocol and the GenAI semantic conventions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.events import CallEvent, Event, SpanEvent, SpanKind
from taximeter.semconv import OWN, TAG, call_of

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

_NOT_CALLS = frozenset({"invoke_agent", "create_agent", "execute_tool", "invoke_workflow", "plan"})
"""Operations whose usage is that of the calls below them."""

_TOO_MUCH = (OverflowError, RecursionError)
"""Numbers, and brackets in brackets, that nobody means."""

_FAILED = 2
"""`STATUS_CODE_ERROR`"""


Key = tuple[str, str]


class Around(Protocol):
    """Remembers spans in which there are calls."""

    def __contains__(self, key: object) -> bool:
        """Whether there are calls in that span."""
        ...

    def add(self, key: Key) -> object:
        """There are."""
        ...


class OtlpSpan(msgspec.Struct, frozen=True):
    """One span, whatever it was written as."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    started_at: float
    """Seconds since the epoch."""

    ended_at: float
    attributes: Mapping[str, object]
    failed: bool = False
    error: str | None = None
    resource: Mapping[str, object] = msgspec.field(default_factory=dict)
    """Attributes of the service that it comes from."""

    @property
    def key(self) -> Key:
        """Names it: ids of spans are made anew in each trace."""
        return self.trace_id, self.span_id

    @property
    def parent_key(self) -> Key:
        """Names its parent; nobody's name, if it has none."""
        return self.trace_id, self.parent_id or ""


def read_otlp(data: bytes) -> list[OtlpSpan]:
    """The spans of a file; SetupError if it is neither form of OTLP."""
    return list(spans_in(data))


def spans_in(data: bytes) -> Iterator[OtlpSpan]:
    """The same one by one, of a request, which may have more of them than anybody would keep."""
    try:
        if data.lstrip()[:1] == b"{":
            for message in _messages(data):
                yield from _of_json(message)
        else:
            yield from _of_protobuf(data)
    except (msgspec.MsgspecError, ValueError, TypeError, AttributeError, LookupError, *_TOO_MUCH) as error:
        hint = "write ExportTraceServiceRequest messages, as protobuf or as JSON"
        raise SetupError(Problem(f"this is not OTLP: {error}", hint)) from None


def events(spans: Iterable[OtlpSpan]) -> Iterator[Event]:
    """Calls and regions. Of calls inside of each other, as two instrumentors tell them, the innermost counts."""
    return (event for _, event in events_of(spans))


def events_of(spans: Iterable[OtlpSpan], around: Around | None = None) -> Iterator[tuple[OtlpSpan, Event]]:
    """The same, each with the span that it is made of.

    `around` are spans in which calls were seen before; those in which there are calls now are added: a span comes when
    it has ended, so after those inside of it.
    """
    around = set() if around is None else around
    by_id = {span.key: span for span in spans}
    calls = {key: call for key, span in by_id.items() if (call := _call(span)) is not None}
    outer = {key for key in by_id if key in around}
    for key in calls.keys() | outer:
        outer.update(_above(by_id[key], by_id))
    for key in outer:
        around.add(key)
    for key, span in by_id.items():
        if key in calls and key not in outer:
            yield span, calls[key]
        elif _kind(span) != "run":
            yield span, _region(span, by_id)


def _above(span: OtlpSpan, by_id: Mapping[Key, OtlpSpan]) -> Iterator[Key]:
    """The spans around it, up to the first that is not here."""
    seen = {span.key}
    while span.parent_id is not None and (parent := span.parent_key) not in seen:
        seen.add(parent)
        yield parent
        if parent not in by_id:
            return
        span = by_id[parent]


def _call(span: OtlpSpan) -> CallEvent | None:
    if text_of(span.attributes.get("gen_ai.operation.name")) in _NOT_CALLS:
        return None
    call = call_of(span.attributes, ("", 0))
    if call is None:
        return None
    call.trace_id, call.span_id = span.trace_id, span.parent_id
    call.started_at, call.request_ms = span.started_at, (span.ended_at - span.started_at) * 1000
    call.status = "failed" if span.failed and call.status == "done" else call.status
    call.captured_by = call.captured_by or "otlp"
    return call


def _region(span: OtlpSpan, by_id: Mapping[Key, OtlpSpan]) -> SpanEvent:
    kind, parent = _kind(span), by_id.get(span.parent_key)
    stage_id = text_of(span.attributes.get(f"{OWN}stage_id"))
    tags = {name.removeprefix(TAG): str(value) for name, value in span.attributes.items() if name.startswith(TAG)}
    return SpanEvent(
        ("", 0),
        "",
        span.trace_id,
        span.span_id,
        kind,
        span.name,
        span.started_at,
        span.parent_id,
        parent.name if parent and kind == "span" else None,
        stage=span.name if kind == "stage" else None,
        stage_id=stage_id or (span.name if kind == "stage" else None),
        tags=tags or None,
        ended_at=span.ended_at,
        wall_ms=(span.ended_at - span.started_at) * 1000,
        ok=not span.failed,
        status="failed" if span.failed else "done",
        error=span.error,
    )


def _kind(span: OtlpSpan) -> SpanKind:
    kind = span.attributes.get(f"{OWN}kind")
    return "stage" if kind == "stage" else "run" if kind == "run" else "span"


def _messages(data: bytes) -> Iterator[dict[str, Any]]:
    try:
        yield msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError:
        for line in data.splitlines():
            if line.strip():
                yield msgspec.json.decode(line, type=dict[str, Any])


def _of_json(message: dict[str, Any]) -> Iterator[OtlpSpan]:
    if "resourceSpans" not in message:
        raise ValueError("there is no `resourceSpans` in it")
    for resource in message["resourceSpans"]:
        of = _json_attributes(resource.get("resource", {}))
        for scope in resource.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                status = span.get("status", {})
                yield msgspec.convert(
                    {
                        "trace_id": span["traceId"],
                        "span_id": span["spanId"],
                        "parent_id": span.get("parentSpanId") or None,
                        "name": span.get("name", ""),
                        "started_at": _seconds(int(span["startTimeUnixNano"])),
                        "ended_at": _seconds(int(span.get("endTimeUnixNano") or span["startTimeUnixNano"])),
                        "attributes": _json_attributes(span),
                        "failed": status.get("code") in (_FAILED, "STATUS_CODE_ERROR"),
                        "error": status.get("message") or None,
                        "resource": of,
                    },
                    OtlpSpan,
                )


def _json_attributes(owner: dict[str, Any]) -> dict[str, object]:
    return {a["key"]: _json_value(a.get("value", {})) for a in owner.get("attributes", ())}


def _json_value(value: dict[str, Any]) -> object:
    if "intValue" in value:
        number = int(value["intValue"])
        if not -(1 << 63) <= number < 1 << 63:
            raise ValueError(f"{str(number)[:40]} is no number of 64 bits")
        return number
    return next((value[name] for name in ("stringValue", "boolValue", "doubleValue") if name in value), None)


def _of_protobuf(data: bytes) -> Iterator[OtlpSpan]:
    try:
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    except ImportError as error:
        raise SetupError(Problem(f"OTLP needs a package: {error}", hint="pip install 'taximeter[otlp]'")) from None
    try:
        request = ExportTraceServiceRequest.FromString(data)
    except DecodeError as error:
        raise ValueError(str(error)) from None
    for resource in request.resource_spans:
        of = _attributes(resource.resource.attributes)
        for scope in resource.scope_spans:
            yield from (_of_message(span, of) for span in scope.spans)


def _of_message(span: Span, resource: Mapping[str, object]) -> OtlpSpan:
    return OtlpSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        name=span.name,
        started_at=_seconds(span.start_time_unix_nano),
        ended_at=_seconds(span.end_time_unix_nano or span.start_time_unix_nano),
        attributes=_attributes(span.attributes),
        failed=span.status.code == _FAILED,
        error=span.status.message or None,
        resource=resource,
    )


def _attributes(given: Iterable[KeyValue]) -> dict[str, object]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value") or "string_value") for a in given}


def _seconds(nanoseconds: int) -> float:
    seconds = nanoseconds / 1e9
    if not 0 <= seconds < 253_402_300_800 or math.isnan(seconds):  # the year 10000
        raise ValueError(f"{nanoseconds} is no time in nanoseconds since the epoch")
    return seconds


def text_of(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
