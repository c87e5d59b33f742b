"""What the driver waits for: things that become readable, and things that are due."""

from __future__ import annotations

import math
import selectors
from collections.abc import Callable, Iterable
from typing import Protocol, Self

from taximeter.run.paced import Paced


class Readable(Protocol):
    """Something that a selector can wait for."""

    def fileno(self) -> int:
        """Its file descriptor."""
        ...


class EventLoop:
    """Is entered while it is used; `paced` is kept up after each turn."""

    def __init__(self, paced: Iterable[Paced]) -> None:
        self._paced = tuple(paced)
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    def listen(self, to: Readable, heard: Callable[[], None]) -> None:
        """Calls `heard` whenever there is something to read."""
        self._selector.register(to, selectors.EVENT_READ, heard)

    def wait(self, patience: float) -> None:
        """Waits until something was heard, something paced is due, or these seconds are over."""
        seconds = min(patience, *(paced.wait() for paced in self._paced))
        for key, _ in self._selector.select(None if seconds == math.inf else max(seconds, 0.0)):
            key.data()

    def keep_up(self) -> None:
        """Does what is due."""
        for paced in self._paced:
            paced.tick()
