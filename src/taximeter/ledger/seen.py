"""Which deliveries of a process were taken already, in bounded memory."""

from __future__ import annotations

import heapq

_MOST_AHEAD = 10_000


class Seen:
    """Sequence numbers of one process. Threads write a little out of order, and a lost event leaves a gap for ever."""

    def __init__(self) -> None:
        self._below = 0
        """All numbers below were taken, or are given up."""

        self._ahead: set[int] = set()
        self._heap: list[int] = []

    def is_new(self, seq: int) -> bool:
        """Notes a number; false if it was there before."""
        if seq == self._below:
            self._below += 1
        elif seq < self._below or seq in self._ahead:
            return False
        else:
            self._ahead.add(seq)
            heapq.heappush(self._heap, seq)
            if len(self._heap) > _MOST_AHEAD:
                self._below = self._heap[0]
        while self._heap and self._heap[0] == self._below:
            self._ahead.discard(heapq.heappop(self._heap))
            self._below += 1
        return True
