"""Each call and span by itself, in a few bytes, so that any part of a run can be looked at closely."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from decimal import Decimal
from math import isnan, nan

from taximeter.ledger.ledger import Ledger
from taximeter.ledger.timeline import MOST_CALLS, MOST_SPANS, Bar, Timeline

ROOM = 1_000_000
"""Calls or spans that are kept, in 50 bytes each; what comes after them is in the bars of the whole run only."""

_PLACES = 12
_UNKNOWN = -1
_DEAREST = 2**63 - 1

_Kind = tuple[str | None, str | None, int | None, str]


class Moments(Timeline):
    """A timeline that keeps what its bars are made of. `beyond` counts what there was no room for."""

    def __init__(self, most: int, room: int = ROOM) -> None:
        super().__init__(most)
        self.beyond = 0
        self._room = room
        self._kinds: dict[_Kind, int] = {}
        self._kind = array("l")
        self._start, self._end, self._cpu = array("d"), array("d"), array("d")
        self._failed = array("b")
        self._tokens, self._cost = array("q"), array("q")
        self._order: list[int] = []
        """By when they began, as far as it was sorted."""

        self._longest = 0.0

    def between(self, start: float, end: float, most: int) -> Timeline:
        """What was under way between two moments (seconds since the epoch), as at most `most` bars."""
        fresh = range(len(self._order), len(self._start))
        if fresh:
            self._order = sorted((*self._order, *fresh), key=self._start.__getitem__)
        first = bisect_left(self._order, start - self._longest, key=self._start.__getitem__)
        last = bisect_right(self._order, end, key=self._start.__getitem__)
        kinds, ends = list(self._kinds), self._end
        part = Timeline(most)
        for i in self._order[first:last]:
            if ends[i] >= start:
                part.add(self._bar(i, kinds))
        return part

    def add(self, bar: Bar) -> None:
        """Adds the bar of one call or span, and keeps it."""
        if len(self._start) < self._room:
            self._keep(bar)
        else:
            self.beyond += 1
        super().add(bar)

    def _known(self, stage_id: str | None, process: str, attempt: int | None, name: str, start: float) -> Bar | None:
        """None, whatever there is: each call has to be kept by itself."""
        return None

    def _keep(self, bar: Bar) -> None:
        kind = (bar.stage_id, bar.process, bar.attempt, bar.name)
        self._kind.append(self._kinds.setdefault(kind, len(self._kinds)))
        self._start.append(bar.start)
        self._end.append(bar.end)
        self._longest = max(self._longest, bar.end - bar.start)
        self._cpu.append(nan if bar.cpu is None else bar.cpu)
        self._failed.append(bar.failed)
        self._tokens.append(bar.tokens)
        cost = _UNKNOWN if bar.cost is None else int(bar.cost.scaleb(_PLACES))
        self._cost.append(min(cost, _DEAREST))

    def _bar(self, i: int, kinds: list[_Kind]) -> Bar:
        start, end, cost, cpu = self._start[i], self._end[i], self._cost[i], self._cpu[i]
        return Bar(
            *kinds[self._kind[i]],
            start,
            end,
            end - start,
            1,
            self._failed[i],
            self._tokens[i],
            None if cost == _UNKNOWN else Decimal(cost).scaleb(-_PLACES),
            None if isnan(cpu) else cpu,
        )


def keep_moments(ledger: Ledger) -> None:
    """Lets a ledger keep each call and span by itself, too; to be said before it takes anything."""
    ledger.calls.timeline, ledger.span_timeline = Moments(MOST_CALLS), Moments(MOST_SPANS)
