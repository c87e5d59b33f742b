"""What makes a process answer for all below it: orphans fall to it, children wake it, signals do not end it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

_PR_SET_CHILD_SUBREAPER = 36
_AT_ONCE = 100


def adopt_orphans() -> bool:
    """Makes orphans of every generation below children of this process (Linux only); says whether it did."""
    if sys.platform != "linux":
        return False
    import ctypes

    return bool(ctypes.pythonapi.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def leave_signals_to_the_driver() -> None:
    """Survives what a terminal or a service manager sends to everybody: when to end is the driver's decision."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)


class Reaper:
    """Waits for the children of this process as they end."""

    def __init__(self) -> None:
        self.has_children = False
        """Whether any child was left, alive or not yet waited for, when `reap` last looked."""
        self._readable, self._writable = os.pipe()
        os.set_blocking(self._readable, False)
        os.set_blocking(self._writable, False)
        signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)  # without a handler the pipe would not be written
        signal.set_wakeup_fd(self._writable, warn_on_full_buffer=False)

    def fileno(self) -> int:
        """For a poll: readable when `reap` has something to do."""
        return self._readable

    def reap(self) -> list[tuple[int, int]]:
        """Pid and wait status of children that have ended.

        Not all of them at once: a stage that forks without end must not keep its reaper from killing it.
        """
        with contextlib.suppress(BlockingIOError):
            os.read(self._readable, 4096)
        ended: list[tuple[int, int]] = []
        self.has_children = True
        while len(ended) < _AT_ONCE:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.has_children = False
                return ended
            if pid == 0:
                return ended
            ended.append((pid, status))
        with contextlib.suppress(BlockingIOError):
            os.write(self._writable, b"+")  # there may be more
        return ended
