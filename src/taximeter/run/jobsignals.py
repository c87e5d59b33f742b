"""Signals to a command in the foreground: it gets each once, as if nobody stood between it and its caller.

A terminal sends Ctrl-C to the whole process group, and `timeout` and shells do the like: the command has such a signal
already. One that only the driver was sent is passed on. The supervisor is in the group as well, so it knows which was
which: a signal for all comes to it, too.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from types import FrameType

PASSED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
"""What a person or a service manager may send to the driver and mean for the command."""

_TOGETHER = 1.0
"""Seconds after a signal for all in which words of the driver on it are of that one, should there be several."""

_heard: dict[int, float] = {}
"""When this process was last sent a signal, by its number, on the monotonic clock."""

_unmatched: set[int] = set()
"""Signals that were sent to this process, and of which the driver has not said that it was sent them, too."""


def listen() -> None:
    """Notes the signals that come to this process."""
    for number in PASSED:
        signal.signal(number, _hear)


def forget() -> None:
    """The command was started now: what came before has not come to it."""
    _heard.clear()
    _unmatched.clear()


def pass_on(pid: int, number: int) -> None:
    """Sends a signal to the command, unless it was sent to the whole group and the command is in it."""
    came_to_all = number in _unmatched or time.monotonic() - _heard.get(number, -math.inf) < _TOGETHER
    _unmatched.discard(number)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if not (came_to_all and os.getpgid(pid) == os.getpgrp()):
            os.kill(pid, number)


def _hear(number: int, _frame: FrameType | None) -> None:
    _heard[number] = time.monotonic()
    _unmatched.add(number)
