"""When calls happened: single bars while there are few, bins of time when there are many, in bounded memory."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from taximeter.events import CallEvent
from taximeter.pricing.cost import EXACT, Cost

MOST = 2_000
"""Bars at most: about as many as a screen has columns."""

_FINEST = 2.0**-10
_COARSEST = 2.0**33
"""Seconds: all that was ever called falls into one bin of this width."""

_Key = tuple[str | None, int | None, str, int]


class Bar(msgspec.Struct, gc=False):
    """One call, or the calls of one stage, attempt and model that began in the same bin."""

    stage_id: str | None
    attempt: int | None
    model: str
    start: float
    """When the first one began, in seconds since the epoch."""

    end: float
    """When the last one ended."""

    busy: float
    """Seconds that calls took, added up."""

    calls: int
    failed: int
    tokens: int
    """Input and output tokens that were bought."""

    cost: Decimal | None

    def merge(self, other: Bar) -> None:
        """Takes another bar's calls in."""
        self.start, self.end = min(self.start, other.start), max(self.end, other.end)
        self.busy += other.busy
        self.calls += other.calls
        self.failed += other.failed
        self.tokens += other.tokens
        if other.cost is not None:
            self.cost = other.cost if self.cost is None else EXACT.add(self.cost, other.cost)


class Timeline:
    """The calls of a run in time, as at most `most` bars.

    The width of a bin is doubled until all fit. It depends on the calls alone, not on the order in which they come.
    """

    def __init__(self, most: int = MOST) -> None:
        self.width = 0.0
        """Seconds; 0 while each call has a bar of its own."""

        self.untimed = 0
        """Calls of which nobody knows when they began."""

        self.left_out = 0
        """Calls of stages and models for which there was no room."""

        self._most = most
        self._bars: dict[_Key, Bar] = {}

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
        bar = Bar(call.stage_id, call.attempt, call.model, start, start + busy, busy, 1, failed, tokens, cost.amount)
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
        """All bars, by when they begin."""
        return sorted(self._bars.values(), key=lambda bar: (bar.start, bar.end))

    def _key(self, bar: Bar, number: int) -> _Key:
        place = int(bar.start // self.width) if self.width else number
        return bar.stage_id, bar.attempt, bar.model, place

    def _make_room(self) -> None:
        while len(self._bars) > self._most and self.width < _COARSEST:
            self.width = self.width * 2 or _FINEST
            bars, self._bars = self._bars.values(), {}
            for bar in bars:
                known = self._bars.setdefault(self._key(bar, 0), bar)
                if known is not bar:
                    known.merge(bar)
        while len(self._bars) > self._most:  # more stages and models than bars
            self.left_out += self._bars.popitem()[1].calls
