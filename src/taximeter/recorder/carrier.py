"""What a child process is told so that it hangs under the span that is open here."""

from __future__ import annotations

from taximeter import settings
from taximeter.recorder.context import current, live, scope_of, span_of
from taximeter.recorder.labels import bearable, joined
from taximeter.recorder.process import Process


def carrier(process: Process) -> dict[str, str]:
    """`TRACEPARENT` (W3C) of the open span, else of the process's own parent, and session and tags."""
    node = live(current())
    span, scope = span_of(node), scope_of(node)
    trace_id, parent_id = (
        (process.parent.trace_id, process.parent.span_id) if span is None else (span.trace_id, span.span_id)
    )
    told = {
        settings.TRACEPARENT.name: f"00-{trace_id}-{parent_id}-01" if trace_id and parent_id else None,
        settings.SESSION_ID.name: scope.session_id,
        settings.TAGS.name: joined(scope.tags or {}),
        settings.STAGE_ID.name: scope.stage_id,
    }
    return {name: bearable(value) for name, value in told.items() if value}
