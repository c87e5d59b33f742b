"""What a stage takes: figures of all processes below this one, while they run and when all have been waited for."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable

from taximeter.run import proctree
from taximeter.run.memory import memory_of
from taximeter.run.proctree import Process
from taximeter.run.reaper import Used

EXACT, SAMPLED, MISSING = "exact", "sampled", "missing"

Reading = dict[str, tuple[float | None, str]]
"""A figure's name to its value and its method."""

_IO = {
    b"read_bytes": "io_read_bytes",
    b"write_bytes": "io_write_bytes",
    b"rchar": "io_read_chars",
    b"wchar": "io_write_chars",
}
_PEAKS = ("max_rss_bytes", "peak_memory_bytes", "processes")

UNKNOWN: Reading = dict.fromkeys(
    ("cpu_user_seconds", "cpu_system_seconds", "major_faults", *_IO.values(), *_PEAKS), (None, MISSING)
)
"""Every figure, before it is known."""

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
_FIRST, _LONGEST, _GROWTH = 0.02, 1.0, 1.5
"""Seconds before the first sample, seconds between those of a long stage, and how the one becomes the other."""

_SHARE = 0.01
"""Of one core, at most, for sampling: a tree that is dear to look at is looked at less often."""


class Unmetered:
    """The meter of a stage that is not metered: it reads nothing and knows nothing."""

    due = math.inf
    waited_for: dict[str, int] | None = None

    def sample(self) -> Reading:
        """Nothing is known."""
        return UNKNOWN

    total = sample


class Meter:
    """Measures a stage from inside its supervisor, whose children are the stage's processes and no others.

    The kernel adds up what children had used when they were waited for, and what they had waited for in turn. So once
    nothing is left to wait for, CPU, faults and I/O are exact, whatever else ran. They miss only what nobody waited
    for: children of a process that ignores SIGCHLD.

    `used` is what the children took that have been waited for; `watch` sees the living processes of each sample.
    `io_before` is the I/O of earlier stages of the same supervisor; None if it has to be read.
    """

    def __init__(
        self,
        total_method: str,
        used: Used,
        watch: Callable[[list[Process]], None],
        io_before: dict[str, int] | None,
    ) -> None:
        self._used = used
        self._io_before = _io_waited_for() if io_before is None else io_before
        self.waited_for: dict[str, int] | None = None
        """The I/O of earlier stages and this one, when it was last read."""

        self._watch = watch
        self.due = time.monotonic() + _FIRST if proctree.VISIBLE else math.inf
        """When the next sample should be taken, on the monotonic clock."""
        self._interval = _FIRST
        self._total_method = total_method
        self._highest: dict[str, float] = {"peak_memory_bytes": 0, "processes": 1}

    def sample(self) -> Reading:
        """The figures so far, from a walk over the processes. None of them ever goes down."""
        began = time.thread_time()
        seen = self._waited_for()
        processes = proctree.walk(proctree.children())
        for process in processes:
            seen["cpu_user_seconds"] += process.cpu_user
            seen["cpu_system_seconds"] += process.cpu_system
            seen["major_faults"] += process.major_faults
            for name, count in _io(proctree.read(f"/proc/{process.pid}/io")).items():
                seen[name] = seen.get(name, 0) + count
        living = [process for process in processes if not process.is_dead]
        self._watch(living)
        seen["max_rss_bytes"] = max([seen["max_rss_bytes"], *(process.rss for process in living)])
        seen["peak_memory_bytes"] = memory_of(living, peak=self._highest["peak_memory_bytes"])
        seen["processes"] = len(living)
        for name, value in seen.items():
            self._highest[name] = max(value, self._highest.get(name, 0))
        self._interval = max(min(self._interval * _GROWTH, _LONGEST), (time.thread_time() - began) / _SHARE)
        self.due = time.monotonic() + self._interval
        return UNKNOWN | {name: (value, SAMPLED) for name, value in self._highest.items()}

    def total(self) -> Reading:
        """The figures of the whole stage, when nothing of it is left to wait for."""
        total = self._waited_for()
        reading = UNKNOWN | {name: (value, self._total_method) for name, value in total.items()}
        if proctree.VISIBLE:
            peak = max(self._highest["peak_memory_bytes"], total["max_rss_bytes"])
            reading |= {"peak_memory_bytes": (peak, SAMPLED), "processes": (self._highest["processes"], SAMPLED)}
        return reading

    def _waited_for(self) -> dict[str, float]:
        used, self.waited_for = self._used, _io_waited_for()
        return {
            "cpu_user_seconds": round(used.cpu_user, 6),
            "cpu_system_seconds": round(used.cpu_system, 6),
            "major_faults": used.major_faults,
            "max_rss_bytes": used.max_rss * _RSS_UNIT,
            **{name: count - self._io_before.get(name, 0) for name, count in self.waited_for.items()},
        }


def _io_waited_for() -> dict[str, int]:
    """What this process has by waiting: the sum of the process, less what its only thread did itself."""
    own_text = proctree.read(f"/proc/self/task/{os.getpid()}/io")
    whole = _io(proctree.read("/proc/self/io"))
    own = _io(own_text)
    whole["io_read_chars"] = whole.get("io_read_chars", 0) - len(own_text)  # the sum has seen that read, too
    return {name: whole[name] - count for name, count in own.items()}


def _io(text: bytes) -> dict[str, int]:
    pairs = (line.split(b": ") for line in text.splitlines())
    return {_IO[name]: int(count) for name, count in pairs if name in _IO}
