"""One small process that forks a supervisor for each stage, so that none is born with the driver's memory and threads.

It imports little, since every supervisor is a copy of it. While a stage runs, the supervisor of the next one is forked
already and has settled when it is needed: nobody waits for that. A supervisor that has nothing left of its stage takes
another one, over the same connection. This process is also the net under the supervisors: when one dies, what it
answered for falls to the forkserver, and is killed.
"""

from __future__ import annotations

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
from taximeter.run.post import Post
from taximeter.run.supervisor import supervise

_FAREWELL = 0.2
"""Seconds for the supervisors to end their stages once the driver is gone."""

_MOST_WAITING = 2
"""Supervisors that are kept without a driver: it keeps some itself, of those whose stages are done."""

_KILL_AGAIN = 0.01
"""Seconds until survivors are looked for."""


def main() -> None:
    """The forkserver process: standard input is the control socket, standard output is `/dev/null`."""
    control = socket.socket(fileno=os.dup(0))
    os.dup2(1, 0)
    run(control, os.setsid, ahead=1)


def run(control: socket.socket, settle: Callable[[], None], ahead: int) -> None:
    """Serves a control socket until the driver is gone.

    `settle` is the first thing that each supervisor does; so many are forked `ahead` of their stages.
    """
    mark.leave()  # a stage in which this is run is told that there are no calls here that are missed
    reaper.leave_signals_to_the_driver()
    reaper.adopt_orphans()
    gc.freeze()  # a collection in a supervisor would copy every page that it looks at
    post = Forkserver(control, ahead).serve()
    if post is not None:
        control.close()
        settle()
        supervise(post)
    os._exit(0)  # nothing is left to tidy up, and it would take longer than a short stage


class Forkserver:
    """Forks and watches supervisors until the driver is gone, and with it every process below."""

    def __init__(self, control: socket.socket, ahead: int) -> None:
        self._control = control
        self._ahead = ahead
        self._waiting: list[Post] = []
        """Of supervisors without a stage."""

        self._busy: dict[int, Post] = {}
        """Of supervisors that have one, by file descriptor."""

        self._reaper = reaper.Reaper()
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._poll.register(self._reaper, select.POLLIN)
        self._supervisors: set[int] = set()
        self._farewell_ends = math.inf

    def serve(self) -> Post | None:
        """Returns twice: in each supervisor its post, in the forkserver None at the end."""
        while self._reap() or self._farewell_ends == math.inf:
            if time.monotonic() >= self._farewell_ends:
                self._supervisors.clear()  # from now on they are strays like any other
            events = self._poll.poll(self._patience(self._kill_strays()))
            ready = {fd for fd, _ in events}
            for fd in ready & self._busy.keys():
                self._hear(fd)
            if self._control.fileno() in ready and (post := self._obey()) is not None:
                return post
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

    def _hear(self, fd: int) -> None:
        """A supervisor is ready for another stage, or dead."""
        self._poll.unregister(fd)
        post = self._busy.pop(fd)
        if post.is_ready() and len(self._waiting) < _MOST_WAITING:
            self._waiting.append(post)
        else:
            post.close()

    def _obey(self) -> Post | None:
        """Does what the driver says; returns only in a supervisor that is forked for it."""
        data, fds, _, _ = socket.recv_fds(self._control, 1, 1)
        if not data:  # the driver is gone
            self._poll.unregister(self._control)
            self._farewell_ends = time.monotonic() + _FAREWELL
            self._dismiss()
        for fd in fds:
            os.set_inheritable(fd, False)
            if data == HOLD:  # for good: each supervisor has it, too, so none may have been forked without it
                self._dismiss()
            elif (post := self._seat(fd)) is not None:
                return post
            if len(self._waiting) < self._ahead:
                return self._fork()
        return None

    def _seat(self, connection: int) -> Post | None:
        """Gives a connection to a supervisor, and closes it here; returns only in one that is forked for it."""
        while not self._give(connection):
            if (post := self._fork()) is not None:
                os.close(connection)
                return post
            if not self._waiting:
                break  # no process to be had: the driver reads the end of the connection
        os.close(connection)
        return None

    def _give(self, connection: int) -> bool:
        """Gives a connection to a supervisor that waits; says whether there was one."""
        while self._waiting:
            post = self._waiting.pop()
            if post.give(connection):
                self._busy[post.fileno()] = post
                self._poll.register(post, select.POLLIN)
                return True
        return False

    def _fork(self) -> Post | None:
        """Forks a supervisor that waits; only in that, returns its post."""
        try:
            post = Post()
        except OSError:  # too many open files
            return None
        try:
            supervisor = os.fork()
        except OSError:
            post.close()
            return None
        if supervisor == 0:
            post.take_up()
            return post
        post.give_out()
        self._supervisors.add(supervisor)
        self._waiting.append(post)
        return None

    def _dismiss(self) -> None:
        """Ends the supervisors that have no stage, and the others when they have none left."""
        for fd in self._busy:
            self._poll.unregister(fd)
        for post in (*self._waiting, *self._busy.values()):
            post.close()
        self._waiting.clear()
        self._busy.clear()
