"""Which deliveries of a process were taken already: exact, and in bounded memory."""

from __future__ import annotations

from bisect import bisect_right

_MOST = 50_000
"""Gaps that are remembered; of more the oldest is given up, and what should still come for it counts as known."""


class Seen:
    """Sequence numbers of one process, as ranges: threads write a little out of order, a lost event leaves a gap."""

    def __init__(self) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        """Number behind the last one of each range."""

    def is_new(self, seq: int) -> bool:
        """Notes a number; false if it was there before."""
        ends = self._ends
        if ends and ends[-1] == seq:  # as nearly all do
            ends[-1] = seq + 1
            return True
        at = bisect_right(self._begins, seq)
        if at and seq < ends[at - 1]:
            return False
        self._put(at, seq)
        return True

    @property
    def next(self) -> int:
        """The number behind all that are known."""
        return self._ends[-1] if self._ends else 0

    @property
    def ranges(self) -> int:
        """How many ranges are remembered."""
        return len(self._begins)

    def _put(self, at: int, seq: int) -> None:
        """Notes a number that belongs before the range `at`."""
        begins, ends = self._begins, self._ends
        follows, leads = at > 0 and ends[at - 1] == seq, at < len(begins) and begins[at] == seq + 1
        if follows and leads:
            ends[at - 1] = ends.pop(at)
            del begins[at]
        elif follows:
            ends[at - 1] = seq + 1
        elif leads:
            begins[at] = seq
        else:
            begins.insert(at, seq)
            ends.insert(at, seq + 1)
            if len(begins) > _MOST:
                del begins[1], ends[0]
