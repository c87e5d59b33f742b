"""Sums of spans that are too many to keep: one for each name below each name, in bounded memory."""

from __future__ import annotations

import msgspec

from taximeter.events import SpanEvent

MOST = 500
"""Regions at most; a program that names more puts data into names."""


class Region(msgspec.Struct, frozen=True, gc=False):
    """Where time was spent, as the code names it."""

    stage_id: str | None
    parent: str | None
    """Name of the region around it."""

    name: str


class SpanSum(msgspec.Struct, gc=False):
    """All spans of one region, in all processes."""

    count: int = 0
    failed: int = 0
    wall_ms: float = 0.0
    """Also of those that ran at the same time."""

    cpu_ms: float | None = None
    """Of the threads that ran them, where it was measured."""


class SpanSums:
    """What the spans inside stages took."""

    def __init__(self, most: int = MOST) -> None:
        self.regions: dict[Region, SpanSum] = {}
        self.left_out = 0
        """Spans of regions for which there was no room."""

        self._most = most

    def take(self, span: SpanEvent) -> None:
        """Adds one span that has ended."""
        if span.ended_at is None:
            return
        region = Region(span.stage_id, span.parent_span, span.span)
        known = self.regions.get(region)
        if known is None:
            if len(self.regions) >= self._most:
                self.left_out += 1
                return
            known = self.regions[region] = SpanSum()
        known.count += 1
        known.failed += not span.ok
        known.wall_ms += span.wall_ms or 0.0
        if span.cpu_ms is not None:
            known.cpu_ms = span.cpu_ms + (known.cpu_ms or 0.0)
