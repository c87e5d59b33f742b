"""One small process that forks a supervisor for each stage, so that none is born with the driver's memory and threads.

It imports little, since every supervisor is a copy of it. It is also the net under the supervisors: when one dies,
what it answered for falls to the forkserver, and is killed.
"""

from __future__ import annotations

import contextlib
import gc
import math
import os
import select
import socket
import time
from collections.abc import Callable

from taximeter.capture import mark
from taximeter.run import proctree, reaper
from taximeter.run.channel import HOLD
from taximeter.run.supervisor import supervise

_FAREWELL = 0.2
"""Seconds for the supervisors to end their stages once the driver is gone."""

_KILL_AGAIN = 0.01
"""Seconds until survivors are looked for."""


def main() -> None:
    """The forkserver process: standard input is the control socket, standard output is `/dev/null`."""
    control = socket.socket(fileno=os.dup(0))
    os.dup2(1, 0)
    run(control, os.setsid)


def run(control: socket.socket, settle: Callable[[], None]) -> None:
    """Serves a control socket until the driver is gone; `settle` is the first thing that each supervisor does."""
    mark.leave()  # a stage in which this is run is told that there are no calls here that are missed
    reaper.leave_signals_to_the_driver()
    reaper.adopt_orphans()
    gc.freeze()  # a collection in a supervisor would copy every page that it looks at
    connection = Forkserver(control).serve()
    if connection is not None:
        control.close()
        settle()
        supervise(connection)
    os._exit(0)  # nothing is left to tidy up, and it would take longer than a short stage


class Forkserver:
    """Forks and watches supervisors until the driver is gone, and with it every process below."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._reaper = reaper.Reaper()
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._poll.register(self._reaper, select.POLLIN)
        self._supervisors: set[int] = set()
        self._farewell_ends = math.inf

    def serve(self) -> socket.socket | None:
        """Returns twice: in each supervisor its connection to the driver, in the forkserver None at the end."""
        while self._reap() or self._farewell_ends == math.inf:
            if time.monotonic() >= self._farewell_ends:
                self._supervisors.clear()  # from now on they are strays like any other
            events = self._poll.poll(self._patience(self._kill_strays()))
            if any(fd == self._control.fileno() for fd, _ in events) and (connection := self._fork()) is not None:
                return connection
        return None

    def _reap(self) -> bool:
        """Waits for those that have ended; says whether any child is left."""
        self._supervisors.difference_update(pid for pid, _ in self._reaper.reap())
        return self._reaper.has_children

    def _kill_strays(self) -> bool:
        """Kills whatever has fallen to this process; says whether there was something."""
        strays = proctree.children() - self._supervisors
        proctree.kill(proctree.walk(strays))
        return bool(strays)

    def _patience(self, had_strays: bool) -> float | None:
        """Milliseconds until there is something to do that nobody will wake this process for."""
        if had_strays:
            return _KILL_AGAIN * 1000
        if self._farewell_ends == math.inf:
            return None
        return max(0.0, self._farewell_ends - time.monotonic()) * 1000

    def _fork(self) -> socket.socket | None:
        """Forks a supervisor for a connection that the driver has sent; in it, returns the connection."""
        data, fds, _, _ = socket.recv_fds(self._control, 1, 1)
        if not data:  # the driver is gone
            self._poll.unregister(self._control)
            self._farewell_ends = time.monotonic() + _FAREWELL
        for fd in fds:
            os.set_inheritable(fd, False)
            if data == HOLD:
                continue  # for good: each supervisor has it, too
            connection = socket.socket(fileno=fd)
            with contextlib.suppress(OSError):  # no process to be had: the driver reads the end of the connection
                supervisor = os.fork()
                if supervisor == 0:
                    return connection
                self._supervisors.add(supervisor)
            connection.close()
        return None
