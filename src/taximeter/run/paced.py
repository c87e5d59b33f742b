"""A write that is done often, but never so often that it costs more than a small part of the time."""

from __future__ import annotations

import math
from collections.abc import Callable

from taximeter.clock import Clock

_TENTH = 10


class Paced:
    """Calls `write` every so many seconds, and when it is wanted; not before so many `times` its own duration have
    passed, and at least `rest` seconds, the first time too.

    `prepare` is called before each write, and costs it nothing: for work that has to be done at some time anyhow.
    """

    def __init__(
        self,
        write: Callable[[], None],
        clock: Clock,
        every: float = math.inf,
        prepare: Callable[[], None] = lambda: None,
        rest: float = 0.0,
        times: float = _TENTH,
    ) -> None:
        self._write = write
        self._clock = clock
        self._every = every
        self._prepare = prepare
        self._rest = rest
        self._times = times
        self._wanted = False
        self._written = clock.monotonic()
        self._due = self._written + rest

    def want(self) -> None:
        """Writes at the next tick, or as soon as it is due: first the next stage is started, which waits for nobody."""
        self._wanted = True

    def wait(self) -> float:
        """Seconds until the next write; infinite if none is wanted."""
        wanted = -math.inf if self._wanted else self._written + self._every
        return max(0.0, max(wanted, self._due) - self._clock.monotonic())

    def tick(self) -> None:
        """Writes what is wanted and due."""
        if self.wait() == 0:
            self.flush()

    def flush(self) -> None:
        """Writes now, due or not."""
        self._prepare()
        begin = self._clock.monotonic()
        self._write()
        self._written = self._clock.monotonic()
        self._wanted = False
        self._due = self._written + max(self._rest, self._times * (self._written - begin))
