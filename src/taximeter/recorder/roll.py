"""When a service that never ends begins a new run."""

from __future__ import annotations

import re
import time
from pathlib import Path

from taximeter.errors import Problem, SetupError
from taximeter.journal.writer import OPEN_SUFFIX
from taximeter.recorder.sinks.jsonl import JsonlSink
from taximeter.recorder.sinks.sink import Sink, leaves

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_BYTES = {"kB": 10**3, "KiB": 1 << 10, "MB": 10**6, "MiB": 1 << 20, "GB": 10**9, "GiB": 1 << 30}


class Roll:
    """After so many seconds, or so many bytes of this process's events. Run ids are `<first>.2`, `<first>.3`, ..."""

    def __init__(self, seconds: float | None, size: int | None) -> None:
        self._seconds = seconds
        self._size = size
        self._base = ""
        self._number = 1
        self._began = 0.0

    def begin(self, run_id: str) -> Roll:
        """The first run begins now."""
        self._base, self._number, self._began = run_id, 1, time.monotonic()
        return self

    def is_due(self, sink: Sink) -> bool:
        """Whether the run has lasted, or grown, long enough."""
        if self._seconds is not None:
            return time.monotonic() - self._began >= self._seconds * self._number
        size = self._size
        return size is not None and any(isinstance(s, JsonlSink) and _size(s.path) >= size for s in leaves(sink))

    def next_run_id(self) -> str:
        """Id of the run that begins now. Workers of one service reach the same ids, and share their directories."""
        if self._seconds is None:
            self._number += 1
        else:
            self._number = int((time.monotonic() - self._began) / self._seconds) + 1
        return f"{self._base}.{self._number}"


def parse_roll(text: str | None) -> Roll | None:
    """`1d`, `12h`, `30m`, `1GiB`, `500MB`; SetupError for anything else."""
    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d+)\s*([a-zA-Z]+)\s*", str(text))
    number, unit = (int(match[1]), match[2]) if match else (0, "")
    if number and unit in _SECONDS:
        return Roll(number * _SECONDS[unit], None)
    if number and unit in _BYTES:
        return Roll(None, number * _BYTES[unit])
    units = ", ".join((*_SECONDS, *_BYTES))
    raise SetupError(Problem(f"roll cannot be {text!r}", hint=f"write a whole number and one of {units}, such as 1d"))


def _size(path: Path) -> int:
    try:
        return path.with_name(path.name + OPEN_SUFFIX).stat().st_size
    except FileNotFoundError:
        return 0
