"""One event as a span of OpenTelemetry."""

from __future__ import annotations

import hashlib
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from taximeter import __version__
from taximeter.events import CallEvent, Event, SpanEvent
from taximeter.journal.fit import fit
from taximeter.semconv import OWN, TAG, Attribute, call_attributes

_LONGEST_TEXT = 4_096
_SCOPE = InstrumentationScope("taximeter", __version__)
_FIELDS = ("run_id", "kind", "stage", "stage_id", "attempt", "shard", "status", "cpu_ms", "items_in", "items_out")
_GROUPS = ("tokens", "resources", "losses")


def to_span(event: Event, resource: Resource) -> ReadableSpan:
    """A closed span as it is, a call as a span of its own under the one it happened in."""
    event = fit(event)
    return _of_call(event, resource) if isinstance(event, CallEvent) else _of_span(event, resource)


def _of_span(span: SpanEvent, resource: Resource) -> ReadableSpan:
    own = {f"{OWN}{name}": getattr(span, name) for name in _FIELDS}
    for group in _GROUPS:
        own |= {f"{OWN}{group}.{name}": figure for name, figure in (getattr(span, group) or {}).items()}
    own |= {TAG + name: text for name, text in (span.tags or {}).items()}
    return _span(
        span.span,
        _context(span.trace_id, span.span_id),
        _context(span.trace_id, span.parent_id) if span.parent_id else None,
        resource,
        {**(span.meta or {}), **own, "gen_ai.conversation.id": span.session_id},
        SpanKind.INTERNAL,
        span.error or span.status if span.status in ("failed", "cancelled", "lost") else None,
        (span.started_at, span.ended_at or span.started_at),
    )


def _of_call(call: CallEvent, resource: Resource) -> ReadableSpan:
    trace = call.trace_id or call.run_id or call.event_id[0]
    attributes = call_attributes(call)
    started_at = call.started_at or 0.0
    failed = {"error.type": "_OTHER"} if call.status == "failed" else {}
    return _span(
        f"{attributes['gen_ai.operation.name']} {call.model}",
        _context(trace, hashlib.sha256(repr(tuple(call.event_id)).encode()).hexdigest()[:16]),
        _context(trace, call.span_id) if call.span_id else None,
        resource,
        {**(call.meta or {}), **attributes, **failed},
        SpanKind.CLIENT,
        "failed" if failed else None,
        (started_at, started_at + (call.request_ms or 0.0) / 1000),
    )


def _span(
    name: str,
    context: SpanContext,
    parent: SpanContext | None,
    resource: Resource,
    attributes: dict[str, Any],
    kind: SpanKind,
    error: str | None,
    times: tuple[float, float],
) -> ReadableSpan:
    return ReadableSpan(
        name,
        context,
        parent,
        resource,
        {key: _attribute(value) for key, value in attributes.items() if value is not None},
        kind=kind,
        status=Status(StatusCode.UNSET) if error is None else Status(StatusCode.ERROR, error[:_LONGEST_TEXT]),
        start_time=_nanoseconds(times[0]),
        end_time=_nanoseconds(times[1]),
        instrumentation_scope=_SCOPE,
    )


def _nanoseconds(seconds: float) -> int:
    """To the microsecond, which is what a float of today's seconds can hold."""
    return round(seconds * 1e6) * 1_000


def _attribute(value: object) -> Attribute:
    if isinstance(value, bool | int | float):
        return value
    return (value if isinstance(value, str) else str(value))[:_LONGEST_TEXT]


def _context(trace: str, span: str) -> SpanContext:
    return SpanContext(_number(trace, 32), _number(span, 16), is_remote=False, trace_flags=TraceFlags(1))


def _number(text: str, digits: int) -> int:
    """An id as a number; one that is not of W3C's form is named by its sha256."""
    try:
        number = int(text, 16) if len(text) == digits else 0
    except ValueError:
        number = 0
    return number or int(hashlib.sha256(text.encode()).hexdigest()[:digits], 16)
