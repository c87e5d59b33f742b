"""What the driver waits for: things that become readable, and things that are due."""

from __future__ import annotations

import math
import selectors
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, Self

from taximeter.run.paced import Paced


class Readable(Protocol):
    """Something that a selector can wait for."""

    def fileno(self) -> int:
        """Its file descriptor."""
        ...


class EventLoop:
    """Is entered while it is used; `paced` is kept up after each turn. Who would wait does the `chores` first, one by
    one, until something is heard."""

    def __init__(self, paced: Iterable[Paced], chores: Iterator[None]) -> None:
        self._paced = tuple(paced)
        self._chores: Iterator[None] | None = chores
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
        if self._chores is not None and seconds > 0:
            seconds = self._do(self._chores, seconds)
        for key, _ in self._selector.select(None if seconds == math.inf else max(seconds, 0.0)):
            key.data()

    def _do(self, chores: Iterator[None], patience: float) -> float:
        """Does chores until something can be heard; says how long to wait for that."""
        for _ in chores:
            if self._selector.select(0):
                return 0
        self._chores = None
        return patience

    def keep_up(self) -> None:
        """Does what is due."""
        for paced in self._paced:
            paced.tick()
