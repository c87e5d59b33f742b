"""The thread of a sink that sends: it wakes when there is something, and has a moment left when the program ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic, sleep

GATHER = 0.2
"""Seconds in which a batch may grow before it is sent."""

FAREWELL = 1.5
"""Seconds that a program waits at most for the last events to be sent."""


class Courier:
    """Runs `work`, which calls `carry` with what sends all that waits; both happen in a thread of the courier's own."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._wake: SimpleQueue[None] = SimpleQueue()  # the one queue whose put a signal handler may interrupt
        self.is_told = True
        """Whether it knows that something waits. To be taken back before looking: who comes later tells again."""

        self._deadline: float | None = None
        self._thread = threading.Thread(target=work, name=name, daemon=True)

    def start(self) -> None:
        """Begins to work, once its sink is ready."""
        self._thread.start()

    def tell(self) -> None:
        """Says that something waits; never waits itself."""
        if not self.is_told:
            self.is_told = True
            self._wake.put(None)

    def carry(self, send: Callable[[], None]) -> None:
        """Sends, and sends again whenever it was told, until the end has begun; then once more."""
        while not self.is_ending:
            if not self.is_told:
                self._wake.get()
            if not self.is_ending:
                with suppress(Empty):
                    self._wake.get(timeout=GATHER)
            send()
        send()  # what came between the last look and the end

    def pause(self, seconds: float) -> bool:
        """Waits so long, or until the end begins; false if it has."""
        until = monotonic() + seconds
        while not self.is_ending and (left := until - monotonic()) > 0:
            with suppress(Empty):
                self._wake.get(timeout=left)
        return not self.is_ending

    def wait(self, timeout: float, is_done: Callable[[], bool]) -> bool:
        """Waits up to `timeout` seconds for it to be done; whether it is."""
        deadline = monotonic() + timeout
        self._wake.put(None)
        while not is_done():
            if monotonic() >= deadline or not self._thread.is_alive():
                return False
            sleep(0.005)
        return True

    @property
    def is_ending(self) -> bool:
        """Whether the sink takes no event any more."""
        return self._deadline is not None

    @property
    def is_late(self) -> bool:
        """Whether the moment at the end is over."""
        return self._deadline is not None and monotonic() > self._deadline

    def begin_close(self) -> None:
        """Begins the moment at the end."""
        if self._deadline is None:
            self._deadline = monotonic() + FAREWELL
            self._wake.put(None)

    def join(self) -> None:
        """Waits for the thread, as long as its moment at the end is."""
        self._thread.join(max(0.0, (self._deadline or 0.0) - monotonic()))
