"""The drivers that have worked on one run directory, one after the other: how the run stands, seen over all of them."""

from __future__ import annotations

from collections.abc import Sequence

from taximeter.clock import iso
from taximeter.events import SpanEvent, Status
from taximeter.report.stage import known, lasted


def status_at(span: SpanEvent, now: float | None) -> Status:
    """How a span stands; `now` is None if nobody who could end it lives."""
    if span.ended_at is not None:
        return span.status
    return "lost" if now is None else "running"


class Sittings:
    """The run spans of all drivers, the first one first. `now` is None if the latest driver is dead."""

    def __init__(self, spans: Sequence[SpanEvent], now: float | None) -> None:
        self._spans = spans
        self._now = now
        self._over = {span.span_id for span in spans[:-1]}
        """Span ids of the sittings before the latest."""

    @property
    def latest(self) -> SpanEvent | None:
        """The one that decides; None if no driver got so far."""
        return self._spans[-1] if self._spans else None

    @property
    def run_status(self) -> Status:
        """How the run ended, or that it goes on or was lost."""
        latest = self.latest
        if latest is None:
            return "lost" if self._now is None else "running"
        return self.status(latest)

    @property
    def started(self) -> float | None:
        """When the first one began, in seconds since the epoch."""
        return self._spans[0].started_at if self._spans else None

    @property
    def started_at(self) -> str | None:
        """The same as text."""
        return None if self.started is None else iso(self.started)

    @property
    def ended_at(self) -> str | None:
        """When the latest one ended."""
        latest = self.latest
        return None if latest is None or latest.ended_at is None else iso(latest.ended_at)

    @property
    def wall_seconds(self) -> float | None:
        """Seconds of all of them together, without the pauses between; of one that was lost nobody knows how many."""
        seconds: float | None = known(sum, (lasted(span, self.now_of(span)) for span in self._spans))
        return seconds

    def status(self, span: SpanEvent) -> Status:
        """How a run or an attempt stands: what has no end is running if its own driver lives, else lost."""
        return status_at(span, self.now_of(span))

    def stage_status(self, latest: SpanEvent) -> Status:
        """How a stage stands by its latest span: one that a living driver has not come to is pending."""
        return "pending" if self._now is not None and self._is_over(latest) else self.status(latest)

    def now_of(self, span: SpanEvent) -> float | None:
        """Seconds since the epoch, for a span whose driver lives; else None."""
        return None if self._is_over(span) else self._now

    def _is_over(self, span: SpanEvent) -> bool:
        return span.span_id in self._over or span.parent_id in self._over
