"""The one way by which a finished call gets into the recorder: who captures calls hands them over here."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import msgspec

from taximeter.events import CallEvent
from taximeter.recorder.buckets import Counted, TokenBucket
from taximeter.recorder.context import Scope, current, live, scope_of, span_of
from taximeter.recorder.handles import open_buckets
from taximeter.recorder.instance import RECORDER

if TYPE_CHECKING:
    from taximeter.recorder.spans import Span

NO_EVENT_ID = ("", -1)
"""What stands in a call until it is recorded."""


def record_call(call: CallEvent) -> bool:
    """Records a finished call in the span that is open here; false, and nothing done, while the recorder is off.

    Fills in what the recorder knows: ids, trace, run, span, session, tags; and of `stage_id`, `attempt`, `shard` and
    `started_at` what the call does not say itself. Tags of the call win over those of the context. May raise: callers
    stand behind the guard.
    """
    if RECORDER.deliver is None and not RECORDER.settled():
        return False
    node = live(current())
    place(call, span_of(node))
    return True


def trace_of(span: Span | None) -> str | None:
    """The trace of this span; outside of all spans the one that another process began, if one did."""
    return RECORDER.process.parent.trace_id if span is None else span.trace_id


def trace_here() -> str | None:
    """The trace of what happens in this context."""
    return trace_of(span_of(live(current())))


def place(call: CallEvent, span: Span | None, labels: Scope | None = None) -> None:
    """Records a call in this span, or in none; session and tags are those of `labels`, or else of this context."""
    recorder, process = RECORDER, RECORDER.process
    scope = scope_of(None) if span is None else span.scope
    if labels is None:
        labels = scope_of(live(current()))
    now = perf_counter()
    call = msgspec.structs.replace(
        call,
        event_id=(process.id, next(process.seq)),
        run_id=recorder.run_id,
        session_id=call.session_id or labels.session_id,
        trace_id=process.trace_id if span is None else span.trace_id,
        span_id=process.span_id if span is None else span.span_id,
        stage_id=call.stage_id or scope.stage_id,
        attempt=call.attempt or scope.attempt,
        shard=scope.shard if call.shard is None else call.shard,
        started_at=process.utc(now - (call.request_ms or 0) / 1e3) if call.started_at is None else call.started_at,
        tags={**(labels.tags or {}), **(call.tags or {})} or None,
    )
    if recorder.options.record_tokens:
        handles = open_buckets()
        if span is not None or handles:
            _count(Counted(call, recorder.prices), span, handles)
    if recorder.purse is not None:
        recorder.purse.take(call, recorder.prices)
    recorder.emit(call)
    if now > recorder.beat_at:
        recorder.beat(now)


def _count(counted: Counted, span: Span | None, handles: tuple[TokenBucket, ...]) -> None:
    """Adds the call to the span and to all around it, and to the handles that were taken in this context."""
    while span is not None:
        bucket = span.bucket()
        if bucket is not None:
            bucket.add(counted)
        span = span.parent
    for handle in handles:
        handle.add(counted)


def count_items(direction: str, count: int) -> bool:
    """Adds units of work to the outermost span that is open here; false if there is none."""
    span = span_of(live(current()))
    while span is not None and span.parent is not None:
        span = span.parent
    bucket: TokenBucket | None = span.bucket() if span is not None else None
    if bucket is not None:
        bucket.add((direction, count))
    return bucket is not None
