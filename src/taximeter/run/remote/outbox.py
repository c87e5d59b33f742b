"""Where messages lie on a worker until the driver has them, for engines that do not carry streams."""

from __future__ import annotations

import time
from collections import deque
from threading import Condition

from taximeter.run.executor import Key

Letter = tuple[Key, bytes | None]
"""A message of an attempt; after None there is none from it."""

LEASE = 15.0
"""Seconds without the driver after which it is taken for dead."""

_GATHER = 0.05
"""Seconds in which letters are gathered, since each fetch is a journey; none waits for others when an attempt ends."""

_ROOM = 64
"""Letters; who has more to say waits."""


class Outbox:
    """Of one driver on one worker. Any thread may put letters, one fetches them."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._letters: deque[Letter] = deque()
        self._first = 1
        """Number of the first letter that lies here."""

        self._asked = time.monotonic()

    def put(self, letter: Letter) -> bool:
        """Waits for room, and lays a letter there; False if the driver does not ask any more."""
        with self._changed:
            while len(self._letters) >= _ROOM and not self._is_forgotten():
                self._changed.wait(1.0)
            if self._is_forgotten():
                return False
            self._letters.append(letter)
            self._changed.notify_all()
            return True

    def fetch(self, had: int, patience: float) -> tuple[int, list[Letter]]:
        """What follows after the letter of the number that the driver had last, and the number of the last one.

        What it had is thrown away. If there is nothing it is waited for, for so many seconds.
        """
        with self._changed:
            self._asked = time.monotonic()
            while self._letters and self._first <= had:
                self._letters.popleft()
                self._first += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._letters, patience)
            self._changed.wait_for(self._is_pressing, min(_GATHER, patience))
            self._asked = time.monotonic()
            return self._first + len(self._letters) - 1, list(self._letters)

    def _is_pressing(self) -> bool:
        """Whether there is something for which the driver waits, or there is nothing at all to gather."""
        letters = self._letters
        return not letters or len(letters) >= _ROOM or any(message is None for _, message in letters)

    def _is_forgotten(self) -> bool:
        return time.monotonic() - self._asked > LEASE
