"""The order of stages: each after what it needs, and otherwise as authored."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence


def order(needs: Mapping[str, Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """The names in an order in which each comes after all that it needs, and the circles that make that impossible.

    Every need is a key of the mapping. Of the names that could come next, the first authored one does. A circle
    `[a, b]` says that a needs b and b needs a; no name is in two of them.
    """
    names = list(needs)
    rank = {name: number for number, name in enumerate(names)}
    waits = {name: len(set(needed)) for name, needed in needs.items()}
    users: dict[str, list[str]] = {name: [] for name in names}
    for name, needed in needs.items():
        for other in set(needed):
            users[other].append(name)
    ready = [rank[name] for name in names if not waits[name]]
    left = dict.fromkeys(names)
    ordered: list[str] = []
    circles: list[list[str]] = []

    def settle(settled: Iterable[str]) -> None:
        for name in settled:
            for user in users[name]:
                waits[user] -= 1
                if not waits[user] and user in left:
                    heapq.heappush(ready, rank[user])

    while left:
        while ready:
            name = names[heapq.heappop(ready)]
            ordered.append(name)
            del left[name]
            settle([name])
        if left:
            circle = _circle(needs, left)
            circles.append(circle)
            for name in circle:
                del left[name]
            settle(circle)
    return ordered, circles


def _circle(needs: Mapping[str, Sequence[str]], left: Mapping[str, None]) -> list[str]:
    """A circle among names of which each needs another one that is left."""
    path: dict[str, None] = {}
    name = next(iter(left))
    while name not in path:
        path[name] = None
        name = next(other for other in needs[name] if other in left)
    walked = list(path)
    return walked[walked.index(name) :]
