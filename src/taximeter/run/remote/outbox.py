"""Where messages lie on a worker until the driver has them, for engines that do not carry streams."""

from __future__ import annotations

import time
from collections import deque
from threading import Condition

from taximeter.run.remote.messages import Message

LEASE = 15.0
"""Seconds without the driver after which it is taken for dead."""

_ROOM = 64
"""Messages; who has more to say waits."""


class Outbox:
    """Of one driver on one worker. Any thread may put messages, one fetches them."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._messages: deque[Message] = deque()
        self._first = 1
        """Number of the first message that lies here."""

        self._asked = time.monotonic()

    def put(self, message: Message) -> bool:
        """Waits for room, and lays a message there; False if the driver does not ask any more."""
        with self._changed:
            while len(self._messages) >= _ROOM and not self._is_forgotten():
                self._changed.wait(1.0)
            if self._is_forgotten():
                return False
            self._messages.append(message)
            self._changed.notify_all()
            return True

    def fetch(self, had: int, patience: float) -> tuple[int, list[Message]]:
        """What follows after the message of the number that the driver had last, and the number of the last one.

        What it had is thrown away. If there is nothing it is waited for, for so many seconds.
        """
        with self._changed:
            self._asked = time.monotonic()
            while self._messages and self._first <= had:
                self._messages.popleft()
                self._first += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._messages, patience)
            self._asked = time.monotonic()
            return self._first + len(self._messages) - 1, list(self._messages)

    def _is_forgotten(self) -> bool:
        return time.monotonic() - self._asked > LEASE
