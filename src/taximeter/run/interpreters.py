"""Interpreters among the processes of a stage in which nobody captures calls."""
# ruff: noqa: PTH110, PTH115, PTH119 - pathlib would be loaded into every supervisor

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable

from taximeter.capture import mark
from taximeter.run import proctree
from taximeter.run.proctree import Process

_PYTHON = re.compile(rb"(python|pypy)[0-9.]*[a-z]?")
_OTHERS = frozenset({b"node", b"deno", b"bun", b"ruby", b"java", b"dotnet", b"php"})
"""Those for which there are SDKs of the providers, too."""

_MOST = 1_000
"""Processes that are remembered."""


class Interpreters:
    """Looks at processes now and then, so a short one may be overlooked. They are told apart by their stacks, as the
    marks are."""

    def __init__(self, marks: bytes, sink: bytes) -> None:
        self._marks = marks
        self._sink = sink
        self._seen: dict[bytes, bytes] = {}
        """Names of the interpreters, by where their stacks begin."""

        self._passed: set[bytes] = set()
        """Living processes that were looked at and are none."""

    def look(self, processes: Iterable[Process]) -> None:
        """Remembers those that are interpreters."""
        living = {process.stack: process.pid for process in processes if process.stack not in (b"0", b"")}
        self._passed &= living.keys()
        for stack in living.keys() - self._passed - self._seen.keys():
            name = _interpreter(living[stack])
            if name is not None and _stack(living[stack]) != stack:
                name = None  # it has become another program in between, which the next look sees
            if name is None:
                self._passed.add(stack)
            elif len(self._seen) < _MOST:
                self._seen[stack] = name

    def look_at(self, pid: int) -> None:
        """The same with this one, which has only begun and so has none below it."""
        if stat := proctree.read(f"/proc/{pid}/stat"):
            self.look([Process(pid, stat)])

    def uncaptured(self) -> dict[str, int] | None:
        """How many processes of each interpreter left no mark. Other languages than Python are passed over if the
        stage's programs told their calls themselves."""
        if not self._seen:  # as in most stages
            return {}
        lines = proctree.read(os.fsdecode(self._marks)).splitlines()
        captured = set(lines) - {line[1:] for line in lines if line.startswith(mark.WITHDRAWN)}
        tells = os.path.exists(self._sink)
        names = (name for stack, name in self._seen.items() if stack not in captured)
        counts = Counter(name for name in names if _is_python(name) or not tells)
        return {name.decode("utf-8", "backslashreplace"): count for name, count in counts.items()}


class NoInterpreters:
    """Nobody wants to know: nothing is captured there, or everything is."""

    def look(self, processes: Iterable[Process]) -> None:
        """Looks at nothing."""

    def look_at(self, pid: int) -> None:
        """Looks at nothing."""

    def uncaptured(self) -> dict[str, int] | None:
        """Nothing is known."""
        return None


def _stack(pid: int) -> bytes | None:
    """Where the stack of a process begins now; None if it is gone."""
    stat = proctree.read(f"/proc/{pid}/stat")
    return mark.start_of_stack(stat) if stat else None


def _interpreter(pid: int) -> bytes | None:
    """What an interpreter was called by, or where it lies; None if the process is none, or is gone."""
    try:
        program = os.readlink(f"/proc/{pid}/exe".encode())
    except OSError:
        return None
    if not _is_python(program) and os.path.basename(program) not in _OTHERS:
        return None
    called = proctree.read(f"/proc/{pid}/cmdline").partition(b"\0")[0]
    return called if called.startswith(b"/") and _is_python(called) else program


def _is_python(program: bytes) -> bool:
    return _PYTHON.fullmatch(os.path.basename(program)) is not None
