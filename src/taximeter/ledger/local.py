"""Stages that a program names itself, with `record_stage`: run very often, so only their sums are kept."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from taximeter.events import SpanEvent

N = TypeVar("N", int, float)


class LocalStage(msgspec.Struct):
    """All runs of one stage, in all processes."""

    stage: str | None
    started_at: float
    """When the first one began, in seconds since the epoch."""

    latest: SpanEvent
    """The last word on it."""

    ended_at: float | None = None
    """When the last one ended."""

    runs: int = 0
    """How many have ended."""

    failed: int = 0
    wall_ms: float = 0.0
    """Of all that have ended, also of those that ran at the same time."""

    cpu_ms: float | None = None
    """Of the threads that ran it, where it was measured."""

    items_in: int | None = None
    items_out: int | None = None
    open: dict[str, SpanEvent] = {}
    """Those that have begun, by span id."""

    def take(self, span: SpanEvent) -> None:
        """Adds what one span says."""
        self.started_at = min(self.started_at, span.started_at)
        if span.ended_at is None:
            self.open[span.span_id] = span
            return
        self.open.pop(span.span_id, None)
        self.latest = span
        self.runs += 1
        self.failed += span.status != "done"
        self.ended_at = max(self.ended_at or 0.0, span.ended_at)
        self.wall_ms += span.wall_ms or 0.0
        self.cpu_ms = _sum(self.cpu_ms, span.cpu_ms)
        self.items_in, self.items_out = _sum(self.items_in, span.items_in), _sum(self.items_out, span.items_out)

    @classmethod
    def of(cls, span: SpanEvent) -> LocalStage:
        """A stage that was just heard of."""
        return cls(span.stage, span.started_at, span)


def _sum(a: N | None, b: N | None) -> N | None:
    return b if a is None else a if b is None else a + b
