"""How a call that a hook has seen is recorded: in the place where it began, whoever reads the end of its answer."""

from __future__ import annotations

from typing import Any

import msgspec

from taximeter.events import META_TERMS, CallEvent
from taximeter.recorder.claims import BY_HAND
from taximeter.recorder.context import Scope, current, live, scope_of, span_of
from taximeter.recorder.instance import RECORDER
from taximeter.recorder.record import append_record
from taximeter.recorder.recording import place, trace_of
from taximeter.recorder.sinkfile import current_sink
from taximeter.recorder.spans import Span
from taximeter.usage import OPEN_COUNTS, SUBSETS


class Where(msgspec.Struct, frozen=True):
    """A place in the program: the span that is open there, and session and tags."""

    span: Span | None
    labels: Scope


def here() -> Where | None:
    """This place; None if nobody would take a call that begins here."""
    if RECORDER.deliver is None and not RECORDER.settled() and current_sink() is None:
        return None
    node = live(current())
    return Where(span_of(node), scope_of(node))


def record_captured(call: CallEvent, where: Where) -> None:
    """Records a finished call in its place, or as a line of the call sink where the recorder is off.

    May raise: callers stand behind the guard.
    """
    if RECORDER.deliver is not None or RECORDER.settled():
        place(call, where.span, where.labels)
    else:
        append_record("instrumentation_call_v1", lambda: _sink_fields(call, where))
    BY_HAND.offer(call, trace_of(where.span))


def _sink_fields(call: CallEvent, where: Where) -> dict[str, Any]:
    """A call in the words of a sink; what it does not say is left out."""
    usage = call.usage
    fields = {
        "kind": call.kind,
        "model": call.model,
        "provider": call.provider,
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        **{name: getattr(usage, name) for name in SUBSETS},
        **{name: dict(getattr(usage, name)) or None for name in OPEN_COUNTS},
        "cached": call.cached,
        "request_ms": call.request_ms,
        "ttft_ms": call.ttft_ms,
        "tries": call.tries,
        "stream": call.stream,
        "request_id": call.request_id,
        "cost": call.provider_cost,
        "status": call.status,
        "response_model": call.response_model,
        "processing": call.processing,
        "service_tier": call.service_tier,
        "region": call.region,
        "inconsistent": call.inconsistent or None,
        "tags": {**(where.labels.tags or {}), **(call.tags or {})} or None,
        **{name: (call.meta or {}).get(name) for name in META_TERMS},
    }
    return {name: value for name, value in fields.items() if value is not None}
