"""How long somebody waited for an answer: calls under way at the same time count once."""

from __future__ import annotations

from collections.abc import Iterable

from taximeter.ledger.timeline import Bar


def waiting(bars: Iterable[Bar]) -> float:
    """Seconds in which at least one call was under way: exact for bars of one call, an estimate for those of many.

    A bar of many calls is taken as under way for the part of its length that its calls fill.
    """
    edges: list[tuple[float, float]] = []
    for bar in bars:
        if bar.end > bar.start:
            under_way = bar.busy / (bar.end - bar.start)
            edges += [(bar.start, under_way), (bar.end, -under_way)]
    edges.sort()
    seconds = level = 0.0
    before = edges[0][0] if edges else 0.0
    for at, change in edges:
        seconds += min(level, 1.0) * (at - before)
        level, before = level + change, at
    return seconds
