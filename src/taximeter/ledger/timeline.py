"""When calls and spans happened: a bar each while they are few, bins of time when they are many, in bounded memory."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from taximeter.events import CallEvent, SpanEvent
from taximeter.pricing.cost import EXACT, Cost

MOST_CALLS = 1_400
"""Bars at most: about as many as a screen has columns, with those of spans."""

MOST_SPANS = 600

BARS_A_LANE = 4
"""If there is not room for so many in the lane of each process, the processes of a stage share one."""

_FINEST = 2.0**-10
_COARSEST = 2.0**33
"""Seconds: all that was ever called falls into one bin of this width."""

_Key = tuple[str | None, str | None, int | None, str, int]


class Bar(msgspec.Struct, gc=False):
    """One call or span, or those of one stage, process, attempt and name that began in the same bin."""

    stage_id: str | None
    process: str | None
    """Who told of it: a process by its id, or the sink of an attempt; None if many share this lane."""

    attempt: int | None
    name: str
    """Of a call its model."""

    start: float
    """When the first one began, in seconds since the epoch."""

    end: float
    """When the last one ended."""

    busy: float
    """Seconds that they took, added up."""

    count: int
    failed: int
    tokens: int = 0
    """Input and output tokens that were bought."""

    cost: Decimal | None = None
    cpu: float | None = None
    """CPU seconds of the threads that ran spans, where they were measured."""

    def take(self, start: float, end: float, busy: float, failed: int, tokens: int, cost: Decimal | None) -> None:
        """Takes a call in: what merging its bar would do, without making one."""
        self.start, self.end = min(self.start, start), max(self.end, end)
        self.busy += busy
        self.count += 1
        self.failed += failed
        self.tokens += tokens
        if cost is not None:
            self.cost = cost if self.cost is None else EXACT.add(self.cost, cost)

    def merge(self, other: Bar) -> None:
        """Takes what another bar stands for in."""
        self.start, self.end = min(self.start, other.start), max(self.end, other.end)
        self.busy += other.busy
        self.count += other.count
        self.failed += other.failed
        self.tokens += other.tokens
        if other.cost is not None:
            self.cost = other.cost if self.cost is None else EXACT.add(self.cost, other.cost)
        if other.cpu is not None:
            self.cpu = other.cpu + (self.cpu or 0.0)


class Timeline:
    """Calls or spans of a run in time, as at most `most` bars.

    The width of a bin is doubled until all fit. It depends on what is taken alone, not on the order in which it comes,
    unless processes come to share a lane.
    """

    def __init__(self, most: int) -> None:
        self.width = 0.0
        """Seconds; 0 while each call or span has a bar of its own."""

        self.untimed = 0
        """Calls of which nobody knows when they began."""

        self.left_out = 0
        """Calls or spans of stages and names for which there was no room."""

        self.is_crowded = False
        """Whether the processes of each stage share a lane."""

        self._most = most
        self._bars: dict[_Key, Bar] = {}
        self._lanes: set[tuple[str | None, str]] = set()

    def take(self, call: CallEvent, cost: Cost) -> None:
        """Adds one call."""
        start = call.started_at
        if start is None:
            self.untimed += 1
            return
        usage = call.usage
        tokens = 0 if call.cached else (usage.input_tokens or 0) + (usage.output_tokens or 0)
        busy = (call.request_ms or 0.0) / 1000
        failed = int(call.status == "failed")
        process, end = call.event_id[0], start + busy
        known = self._known(call.stage_id, process, call.attempt, call.model, start)
        if known is not None:
            known.take(start, end, busy, failed, tokens, cost.amount)
            return
        process_of_lane = self._process(call.stage_id, process)
        bar = (call.stage_id, process_of_lane, call.attempt, call.model, start, end, busy, 1, failed)
        self.add(Bar(*bar, tokens, cost.amount))

    def take_span(self, span: SpanEvent) -> None:
        """Adds one span that has ended."""
        start, end = span.started_at, span.ended_at
        if end is None:
            return
        process = self._process(span.stage_id, span.event_id[0])
        busy = end - start if span.wall_ms is None else span.wall_ms / 1000
        cpu = None if span.cpu_ms is None else span.cpu_ms / 1000
        bar = (span.stage_id, process, span.attempt, span.span, start, max(start, end), busy, 1, int(not span.ok))
        self.add(Bar(*bar, cpu=cpu))

    def add(self, bar: Bar) -> None:
        """Adds the bar of one call or span."""
        key = self._key(bar, len(self._bars))
        known = self._bars.get(key)
        if known is not None:
            known.merge(bar)
        elif self.width >= _COARSEST and len(self._bars) >= self._most:
            self.left_out += 1
        else:
            self._bars[key] = bar
            self._make_room()

    def bars(self) -> list[Bar]:
        """All bars, by when they begin; what holds others comes before them."""
        return sorted(self._bars.values(), key=lambda bar: (bar.start, -bar.end))

    def _known(self, stage_id: str | None, process: str, attempt: int | None, name: str, start: float) -> Bar | None:
        """The bar of the bin that something falls into, if there is one."""
        if not self.width:
            return None
        lane = None if self.is_crowded else process
        return self._bars.get((stage_id, lane, attempt, name, int(start // self.width)))

    def _process(self, stage_id: str | None, process: str) -> str | None:
        if self.is_crowded:
            return None
        self._lanes.add((stage_id, process))
        if len(self._lanes) * BARS_A_LANE <= self._most:
            return process
        self.is_crowded = True
        self._lanes.clear()
        for bar in self._bars.values():
            bar.process = None
        if self.width:
            self._sort_anew()
        return None

    def _key(self, bar: Bar, number: int) -> _Key:
        place = int(bar.start // self.width) if self.width else number
        return bar.stage_id, bar.process, bar.attempt, bar.name, place

    def _make_room(self) -> None:
        while len(self._bars) > self._most and self.width < _COARSEST:
            self.width = self.width * 2 or _FINEST
            self._sort_anew()
        while len(self._bars) > self._most:  # more stages, processes and names than bars
            self.left_out += self._bars.popitem()[1].count

    def _sort_anew(self) -> None:
        bars, self._bars = self._bars.values(), {}
        for bar in bars:
            known = self._bars.setdefault(self._key(bar, 0), bar)
            if known is not bar:
                known.merge(bar)
