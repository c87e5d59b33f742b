"""What makes a process answer for all below it: orphans fall to it, children wake it, signals do not end it."""

from __future__ import annotations

import contextlib
import os
import resource
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


class Used:
    """What children took that were waited for, and what they had waited for in turn."""

    __slots__ = ("cpu_system", "cpu_user", "major_faults", "max_rss")

    def __init__(self) -> None:
        self.cpu_user = self.cpu_system = 0.0
        self.major_faults = 0
        self.max_rss = 0
        """Of the largest single process, in the unit of the system."""

    def add(self, one: resource.struct_rusage) -> None:
        """Another child."""
        self.cpu_user += one.ru_utime
        self.cpu_system += one.ru_stime
        self.major_faults += one.ru_majflt
        self.max_rss = max(self.max_rss, one.ru_maxrss)


class Reaper:
    """Waits for the children of this process as they end."""

    def __init__(self) -> None:
        self.has_children = False
        """Whether any child was left, alive or not yet waited for, when `reap` last looked."""
        self.used = Used()
        """What those took that `reap` has told of; whoever begins anew puts another one here."""

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
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                self.has_children = False
                return ended
            if pid == 0:
                return ended
            self.used.add(used)
            ended.append((pid, status))
        with contextlib.suppress(BlockingIOError):
            os.write(self._writable, b"+")  # there may be more
        return ended
