"""A line by which a Python process says that its calls are captured, for whoever watches the stage.

A process is known by where its stack begins: that is drawn at random when a program is loaded, and a forked child has
it from its parent, as it has the hooks.
"""
# ruff: noqa: PTH123 - pathlib and contextlib would be loaded into every program

from __future__ import annotations

import os

VARIABLE = "TAXIMETER_CAPTURE_MARKS"
"""Names the file; `settings` has its meaning, and is not loaded into every program."""

_START_OF_STACK = 25
"""Its place in `/proc/PID/stat`, behind the name of the program."""

WITHDRAWN = b"-"


def leave() -> None:
    """Says that calls are captured here."""
    _append(b"")


def withdraw() -> None:
    """Takes it back: the hooks cannot be had."""
    _append(WITHDRAWN)


def start_of_stack(stat: bytes) -> bytes:
    """Where the stack of a process begins, as its `/proc/PID/stat` tells it."""
    return stat[stat.rindex(b")") + 2 :].split()[_START_OF_STACK]


def _append(prefix: bytes) -> None:
    path = os.environ.get(VARIABLE)
    if not path:
        return
    try:
        with open("/proc/self/stat", "rb") as stat:
            line = prefix + start_of_stack(stat.read()) + b"\n"
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(fd, line)
        finally:
            os.close(fd)
    except OSError:  # then it counts as not captured
        pass
