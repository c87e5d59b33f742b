"""Signals to a command in the foreground: it gets each once, as if nobody stood between it and its caller.

A terminal sends Ctrl-C to the whole process group, and `timeout` and shells do the like: the command has such a signal
already. One that only the driver was sent is passed on. The supervisor is in the group as well, so it knows which was
which: a signal for all comes to it, too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from types import FrameType

PASSED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
"""What a person or a service manager may send to the driver and mean for the command."""

_TOGETHER = 1.0
"""Seconds within which one signal comes to all processes of a group, however busy the machine is."""

_heard: dict[int, float] = {}
"""When this process was last sent a signal, by its number, on the monotonic clock."""


def listen() -> None:
    """Notes the signals that come to this process."""
    for number in PASSED:
        signal.signal(number, _hear)


def pass_on(pid: int, number: int) -> None:
    """Sends a signal to the command, unless it was sent to the whole group and the command is in it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        came_to_all = time.monotonic() - _heard.get(number, -_TOGETHER) < _TOGETHER
        if not (came_to_all and os.getpgid(pid) == os.getpgrp()):
            os.kill(pid, number)


def _hear(number: int, _frame: FrameType | None) -> None:
    _heard[number] = time.monotonic()
