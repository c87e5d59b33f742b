"""What became of one attempt of a stage: when it began and ended, how, and its figures as one record."""

from __future__ import annotations

import os
import time

from taximeter.run.measure import EXACT, MISSING, SAMPLED, Reading
from taximeter.run.spawn import StartError


class Attempt:
    """An attempt begins when this is made. Its times are of a monotonic clock, anchored once to UTC."""

    def __init__(self) -> None:
        self.pid: int | None = None
        """The stage's own process; None until it is started."""
        self.leftovers = 0
        """How many processes outlived the stage's own one, and the grace after it, and had to be ended."""
        self.deaf = 0
        """How many processes were told to end and did not within the time they got, and were killed."""
        self._began = time.monotonic()
        self._anchor = time.time() - self._began
        self._ended: float | None = None
        self._exit_code: int | None = None
        self._signal: int | None = None
        self._spawn_error: str | None = None

    @property
    def started_at(self) -> float:
        """Seconds since the epoch."""
        return self._anchor + self._began

    @property
    def is_over(self) -> bool:
        """Whether the stage's own process has ended, or never came to be."""
        return self._ended is not None

    def end(self, status: int) -> None:
        """The stage's own process ended with this wait status."""
        self._ended = time.monotonic()
        code = os.waitstatus_to_exitcode(status)
        self._exit_code, self._signal = (code, None) if code >= 0 else (None, -code)

    def not_started(self, error: StartError) -> None:
        """The stage's own process never came to be."""
        self._ended = time.monotonic()
        self._exit_code = error.exit_code
        self._spawn_error = str(error)

    def figures(self, state: str, reading: Reading) -> dict[str, object]:
        """The record `usage_v1`: what is told to the driver and written to the usage file."""
        now = time.monotonic() if self._ended is None else self._ended
        own: Reading = {
            "wall_seconds": (now - self._began, EXACT if self.is_over else SAMPLED),
            "leftover_processes": (self.leftovers, EXACT) if self.is_over else (None, MISSING),
            "deaf_processes": (self.deaf, EXACT) if self.is_over else (None, MISSING),
        }
        both = own | reading
        return {
            "schema_version": "usage_v1",
            "state": state,
            "pid": self.pid,
            "started_at": self.started_at,
            "ended_at": None if self._ended is None else self._anchor + self._ended,
            **{name: value for name, (value, _) in both.items()},
            "exit_code": self._exit_code,
            "signal": self._signal,
            "spawn_error": self._spawn_error,
            "methods": {name: method for name, (_, method) in both.items()},
        }
