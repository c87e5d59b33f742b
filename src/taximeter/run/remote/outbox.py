"""Where messages lie on a worker until the driver has them, for engines that do not carry streams."""

from __future__ import annotations

import time
from collections import deque
from threading import Condition

from taximeter.run.executor import Key

Letter = tuple[Key, bytes]
"""A message of an attempt."""

ROOM = 64
"""Letters; who has more to say waits."""

LEASE = 15.0
"""Seconds without the driver after which it is taken for dead."""

SHORT_LEASE = 3.0
"""The same where others say so, too."""


class Outbox:
    """Of one driver on one worker. Any thread may put letters, one fetches them. They are numbered from 1 on."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._letters: deque[Letter] = deque()
        self._gone = 0
        """How many letters lie here no more."""

        self._asked = time.monotonic()

    def put(self, letter: Letter) -> int | None:
        """Waits for room, and lays a letter there: its number; None if the driver does not ask any more."""
        with self._changed:
            while len(self._letters) >= ROOM and not self.is_forgotten():
                self._changed.wait(1.0)
            if self.is_forgotten():
                return None
            self._letters.append(letter)
            return self._gone + len(self._letters)

    def fetch(self, had: int) -> tuple[int, list[Letter]]:
        """What follows after the letter of the number that the driver had last, and the number of the last one; what it
        had is thrown away."""
        with self._changed:
            self._asked = time.monotonic()
            while self._letters and self._gone < had:
                self._letters.popleft()
                self._gone += 1
            self._changed.notify_all()
            return self._gone + len(self._letters), list(self._letters)

    def is_forgotten(self, lease: float | None = None) -> bool:
        """Whether the driver has not asked for so many seconds."""
        return time.monotonic() - self._asked > (LEASE if lease is None else lease)
