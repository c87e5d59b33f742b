"""A write that is done often, but never so often that it costs more than a tenth of the time."""

from __future__ import annotations

import math
from collections.abc import Callable

from taximeter.clock import Clock

_SHARE = 10


class Paced:
    """Calls `write` when asked to, but not before ten times its own duration has passed; `tick` makes up for it."""

    def __init__(self, write: Callable[[], None], clock: Clock) -> None:
        self._write = write
        self._clock = clock
        self._wanted = False
        self._due = self._written = -math.inf

    def want(self) -> None:
        """Writes now, or as soon as it is due."""
        self._wanted = True
        self.tick()

    def want_every(self, seconds: float) -> None:
        """Wants a write if the last one is so long ago."""
        if self._clock.monotonic() - self._written >= seconds:
            self.want()

    def tick(self) -> None:
        """Writes what is wanted and due."""
        if self._wanted and self._clock.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Writes now, due or not."""
        begin = self._clock.monotonic()
        self._write()
        self._written = self._clock.monotonic()
        self._wanted = False
        self._due = self._written + _SHARE * (self._written - begin)
