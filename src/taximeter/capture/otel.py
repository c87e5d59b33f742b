"""Turns spans of other instrumentors into calls: those that follow the GenAI conventions of OpenTelemetry."""

from __future__ import annotations

from typing import Any

import msgspec
from opentelemetry.sdk import trace
from opentelemetry.trace import StatusCode

from taximeter.events import CallEvent
from taximeter.recorder import captured
from taximeter.recorder.claims import BY_SPANS
from taximeter.recorder.guard import guarded
from taximeter.recorder.recording import NO_EVENT_ID
from taximeter.semconv import OPENINFERENCE_KIND, call_of
from taximeter.usage import NO_USAGE

_MOST = 10_000
_NO_CALLS = frozenset({"invoke_agent", "create_agent", "execute_tool", "invoke_workflow", "retrieval", "plan"})
"""Operations that only contain calls, or buy nothing."""

_CALLS = frozenset({"LLM", "EMBEDDING"})


class SpanProcessor(trace.SpanProcessor):  # type: ignore[misc] # the SDK is not there when types are checked
    """Records a call for each span of a model that ends: `provider.add_span_processor(taximeter.SpanProcessor())`.

    Usage of a span that contains such a span is a sum of it, and is ignored, as is that of agents and tools. A call
    that a hook has captured is not recorded again.
    """

    def __init__(self) -> None:
        self._containing: dict[int, None] = {}
        BY_SPANS.is_open = True

    @guarded
    def on_end(self, span: trace.ReadableSpan) -> None:
        """Records what the span tells."""
        contains = self._containing.pop(span.context.span_id, self) is None
        call = None if contains else _call(span)
        if span.parent is not None and (contains or call is not None):
            self._containing[span.parent.span_id] = None
            if len(self._containing) > _MOST:
                self._containing.pop(next(iter(self._containing)), None)
        where = None if call is None else captured.here()
        if call is None or where is None:
            return
        told = {"kind": call.kind, "model": call.model, "prompt_tokens": call.usage.input_tokens}
        more = {"completion_tokens": call.usage.output_tokens, "request_id": call.response_id}
        if not BY_SPANS.claim(told | more, None):
            captured.record_captured(call, where)


def _call(span: trace.ReadableSpan) -> CallEvent | None:
    """The call that a span tells of; None if it is no span of a model, or tells only of a request."""
    attributes: dict[str, Any] = dict(span.attributes or {})
    if attributes.get("gen_ai.operation.name") in _NO_CALLS or attributes.get(OPENINFERENCE_KIND, "LLM") not in _CALLS:
        return None
    call = call_of(attributes, NO_EVENT_ID)
    if call is None:
        return None
    failed = span.status.status_code is StatusCode.ERROR
    tells_nothing = call.usage == NO_USAGE and call.response_id is None and call.response_model in (None, call.model)
    if tells_nothing and not (failed and "gen_ai.operation.name" in attributes):
        return None
    return msgspec.structs.replace(
        call,
        status="failed" if failed and call.usage == NO_USAGE else call.status,
        started_at=span.start_time / 1e9,
        request_ms=(span.end_time - span.start_time) / 1e6,
        captured_by=span.instrumentation_scope.name if span.instrumentation_scope else "opentelemetry",
    )
