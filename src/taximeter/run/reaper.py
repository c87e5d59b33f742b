"""What lets a process answer for all below it: orphans fall to it, children wake it, signals do not end it."""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> bool:
    """Makes orphans of every generation below children of this process (Linux only); says whether it did."""
    if sys.platform != "linux":
        return False
    import ctypes

    return bool(ctypes.pythonapi.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def watch_children() -> int:
    """A descriptor that becomes readable when a child ends; read it empty, then wait for the children."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)  # a handler must exist for the descriptor to be written
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


def leave_signals_to_the_driver() -> None:
    """Survives what a terminal or a service manager sends to everybody: when to end is the driver's decision."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
