"""Runs of programs that no driver started: what stands for the sittings of drivers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from taximeter.events import SpanEvent


def over_programs(runs: Sequence[SpanEvent], processes: Sequence[SpanEvent], goes_on: bool) -> list[SpanEvent]:
    """The times in which any process of the run lived, the first one first.

    Whoever began the run, or went on with it, has said how it ended; but it lasts as long as others work in it, as the
    workers of a service do while one of them is replaced.
    """
    if not runs:
        return over_processes(processes)
    runs = sorted(runs, key=lambda span: span.started_at)
    last_words = {span.span_id: _last_word(span, goes_on) for span in (*runs, *processes)}
    groups = list(_together(sorted((*runs, *processes), key=lambda span: span.started_at), last_words))
    return [_over(group, runs, last_words, goes_on and group is groups[-1]) for group in groups]


def _last_word(span: SpanEvent, goes_on: bool) -> float:
    """When it ended, at the earliest; what may still be open while others go on has not."""
    if span.ended_at is not None:
        return span.ended_at
    return math.inf if goes_on else span.started_at + (span.wall_ms or 0.0) / 1000


def _together(spans: Sequence[SpanEvent], last_words: dict[str, float]) -> Iterator[list[SpanEvent]]:
    """Those without a pause between them; they come in the order in which they began."""
    group: list[SpanEvent] = []
    until = -math.inf
    for span in spans:
        if group and span.started_at > until:
            yield group
            group = []
        group.append(span)
        until = max(until, last_words[span.span_id])
    yield group


def _over(
    group: Sequence[SpanEvent], runs: Sequence[SpanEvent], last_words: dict[str, float], goes_on: bool
) -> SpanEvent:
    """One of these times; the latest that was said of the run until then says how it ended."""
    span = next((run for run in reversed(runs) if run.started_at <= group[-1].started_at), runs[0])
    began = group[0].started_at
    ended = None if goes_on or span.ended_at is None else max(last_words[one.span_id] for one in group)
    return msgspec.structs.replace(
        span,
        span_id=span.span_id if span in group else group[0].span_id,
        started_at=began,
        ended_at=ended,
        wall_ms=None if ended is None else (ended - began) * 1000,
    )


def over_processes(processes: Sequence[SpanEvent]) -> list[SpanEvent]:
    """Stands for the span of a run that nobody began: from the start of the first process to the end of the last."""
    if not processes:
        return []
    ends = [span.ended_at for span in processes if span.ended_at is not None]
    ended_at = max(ends) if len(ends) == len(processes) else None
    worst = next((span for span in processes if span.status != "done"), processes[-1])
    first = processes[0]
    return [
        SpanEvent(
            event_id=first.event_id,
            run_id=first.run_id,
            trace_id=first.trace_id,
            span_id=first.span_id,
            kind="run",
            span=first.span,
            started_at=first.started_at,
            ended_at=ended_at,
            wall_ms=None if ended_at is None else (ended_at - first.started_at) * 1000,
            status=worst.status,
            error=worst.error,
        )
    ]
