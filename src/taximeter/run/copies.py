"""Processes that were told to end before they had become the program that is to end."""

from __future__ import annotations

import math
import time
from collections.abc import Collection

from taximeter.run import proctree
from taximeter.run.proctree import Process

_FIRST, _LONGEST, _GROWTH = 0.02, 1.0, 1.5
"""Seconds until the first look, between looks at the most, and how the one becomes the other."""


class Copies:
    """What a shell starts is a copy of that shell first, hears TERM as such, and as the program has never heard it.

    Only those are told once more. Who was told as what it is may take a second TERM as a word to hurry, and who was
    started since may be there to tidy up.
    """

    def __init__(self) -> None:
        self.due = math.inf
        """When to look for those that have become another program, on the monotonic clock."""

        self._interval = _FIRST
        self._stacks: dict[int, bytes] = {}
        """Of each copy, where its stack begins: `exec` gives another one."""

    def remember(self, told: Collection[Process]) -> None:
        """Keeps those of the processes that are still what their parent is."""
        stacks = {process.pid: process.stack for process in told}
        self._stacks = {p.pid: p.stack for p in told if p.stack != b"0" and p.stack == stacks.get(p.parent)}
        self._look_later()

    def become_others(self) -> list[Process]:
        """Those that are another program now; they are not kept any longer, nor are those that have ended."""
        seen = [process for process in proctree.walk(self._stacks) if process.pid in self._stacks]
        others = [process for process in seen if process.stack != self._stacks[process.pid] and not process.is_dead]
        self._stacks = {p.pid: p.stack for p in seen if p.stack == self._stacks[p.pid]}
        self._interval = min(self._interval * _GROWTH, _LONGEST)
        self._look_later()
        return others

    def _look_later(self) -> None:
        self.due = time.monotonic() + self._interval if self._stacks else math.inf
