"""Time and ids, each behind a small seam so that a report can be compared as a literal."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for people, monotonic time for durations."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...


class SystemClock:
    """The machine's clock, anchored to UTC once: an NTP step in the middle of a run moves no duration."""

    def __init__(self) -> None:
        self._anchor = time.time() - time.perf_counter()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._anchor + time.perf_counter()

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.perf_counter()


class FakeClock:
    """A clock that moves only when told, or by `step` at each reading of `now`."""

    def __init__(self, start: float = 1_767_225_600.0, step: float = 0.0) -> None:
        self.time = start
        self.step = step

    def now(self) -> float:
        """Seconds since the epoch (2026-01-01T00:00:00Z unless told otherwise)."""
        self.time += self.step
        return self.time

    def monotonic(self) -> float:
        """The same seconds; a fake clock has only one hand."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Moves the clock forward."""
        self.time += seconds


def iso(seconds: float) -> str:
    """UTC time as `2026-01-01T00:00:00.000Z`: fixed width, so that text order is time order."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class Ids:
    """Ids of one process: a random prefix and a counter (a `uuid4` per span would cost 2 µs)."""

    def __init__(self, prefix: str | None = None) -> None:
        self.prefix = os.urandom(6).hex() if prefix is None else prefix
        self._count = 0

    @property
    def process_id(self) -> str:
        """12 hex digits that name this process in every event it writes."""
        return self.prefix

    def span_id(self) -> str:
        """16 hex digits (W3C): 8 of this process, 8 of a counter."""
        self._count += 1
        return f"{self.prefix[:8]}{self._count:08x}"

    def trace_id(self) -> str:
        """32 hex digits (W3C), unique to this process and moment."""
        self._count += 1
        return f"{self.prefix}{self._count:020x}"
