"""A process that has one attempt of a stage at a time: starts it, answers for all below it, tells what it took."""

from __future__ import annotations

import json
import math
import select
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import dropwhile

from taximeter.capture import mark
from taximeter.run import jobsignals, proctree, reaper, spawn
from taximeter.run.attempt import Attempt
from taximeter.run.channel import READY, Channel
from taximeter.run.copies import Copies
from taximeter.run.interpreters import Interpreters, NoInterpreters
from taximeter.run.measure import EXACT, SAMPLED, Meter, Reading, Unmetered
from taximeter.run.post import Post
from taximeter.run.usagefile import NoUsageFile, UsageFile

_LAST_CALL = 1.0
"""Seconds between TERM and KILL for what outlived the stage's own process and the grace after it."""

_KILL_AGAIN = 0.01
"""Seconds until survivors and the newly born are looked for."""

_WRITE_EVERY = 1.0
"""Seconds, at least, between two writings of the figures so far."""


def supervise(post: Post) -> None:
    """Runs the tasks that come over the connections which the post gives, one after the other, until it gives none.

    The next one is taken when no process of a stage is left: all have ended, or were ended because the driver said so
    or is gone.
    """
    total_method = EXACT if reaper.adopt_orphans() else SAMPLED
    children = reaper.Reaper()
    io: dict[str, int] | None = {}
    while (connection := post.wait()) is not None:
        with closing(Channel(connection)) as channel:
            for task, *orders in _tasks(channel, post):
                supervisor = Supervisor(channel, spawn.Task(task), total_method, children, io)
                supervisor.run(orders)
                io = supervisor.io
        post.tell_ready()


def _tasks(channel: Channel, post: Post) -> Iterator[list[bytes]]:
    """What comes at once, a task first, as long as the driver keeps the connection and the forkserver lives."""
    while post.stays(channel) and not channel.ended:
        if lines := list(dropwhile(_is_order, channel.receive())):
            yield lines
            channel.send(READY)


def _is_order(line: bytes) -> bool:
    """It came too late for the stage that it was meant for."""
    return line.startswith(b'{"op"')


class Supervisor:
    """One attempt of a stage, from its start until nothing of it is left.

    `io` is that of earlier stages, as far as this process has waited for them; None if it has to be read.
    """

    def __init__(
        self,
        channel: Channel,
        task: spawn.Task,
        total_method: str,
        children: reaper.Reaper,
        io: dict[str, int] | None,
    ) -> None:
        self._channel = channel
        self._task = task
        self._reaper = children
        self._reaper.used = reaper.Used()
        self._poll = select.poll()
        self._poll.register(channel, select.POLLIN)
        self._poll.register(self._reaper, select.POLLIN)
        self._interpreters = _interpreters(task)
        self._meter: Meter | Unmetered = (
            Meter(total_method, children.used, self._interpreters.look, io) if task.usage else Unmetered()
        )
        self._file = UsageFile(task.usage) if task.usage else NoUsageFile()
        self._attempt = Attempt()
        self._copies = Copies()
        self._is_lingering = False
        self._is_told = False
        """Whether TERM was sent, and the time to obey goes on."""

        self._terminate_at = self._kill_at = math.inf
        self._write_at = 0.0

    def run(self, orders: list[bytes]) -> None:
        """Starts the stage, does what it was ordered meanwhile, and stays until nothing of it is left."""
        self._start()
        self.obey(orders)
        while self._reap():
            self._keep_time()
            self._wait()
        self._finish()

    @property
    def io(self) -> dict[str, int] | None:
        """That of this stage and all earlier ones, as far as it was read."""
        return self._meter.waited_for

    def obey(self, orders: list[bytes]) -> None:
        """Does what the driver says: stop with a grace, or kill. A later order can only bring the end nearer."""
        for line in orders:
            order = json.loads(line)
            if order["op"] == "stop":
                self._terminate_at = time.monotonic()
                self._kill_at = min(self._kill_at, self._terminate_at + order["grace"])
            elif order["op"] == "signal":
                self._pass_on(order["number"])
            else:
                self._kill()

    def _kill(self) -> None:
        """Nobody gets any time."""
        self._kill_at, self._is_told = 0.0, False

    def _pass_on(self, number: int) -> None:
        """Gives the stage's own process a signal that the driver was sent; when that one has ended, nobody waits."""
        if self._attempt.pid is None:
            return
        if self._attempt.is_over:
            self._kill()
        else:
            jobsignals.pass_on(self._attempt.pid, number)

    def _start(self) -> None:
        try:
            self._attempt.pid = spawn.start(self._task)
        except spawn.StartError as error:
            self._attempt.not_started(error)
            self._meter = Unmetered()  # nothing ran: there is nothing to know
        else:
            jobsignals.forget()
            started = {"event": "started", "pid": self._attempt.pid, "started_at": self._attempt.started_at}
            self._channel.send(json.dumps(started).encode())
            self._interpreters.look_at(self._attempt.pid)
            self._file.prepare()

    def _reap(self) -> bool:
        """Waits for those that have ended; says whether any process of the stage is left."""
        for pid, status in self._reaper.reap():
            if pid == self._attempt.pid:
                self._attempt.end(status)
                self._linger()
        return self._reaper.has_children

    def _linger(self) -> None:
        """The stage's own process has ended: whatever it left gets a grace, unless its end is set already."""
        if self._kill_at == math.inf:
            self._is_lingering = True
            self._terminate_at = time.monotonic() + self._task.grace
            self._kill_at = self._terminate_at + _LAST_CALL

    def _keep_time(self) -> None:
        now = time.monotonic()
        if now >= self._kill_at:
            self._kill_at = now + _KILL_AGAIN
            self._meter.due = math.inf  # there is no time for samples now
            self._signal(signal.SIGKILL)
        elif now >= self._terminate_at:
            self._terminate_at, self._is_told = math.inf, True
            self._signal(signal.SIGTERM)
        elif now >= self._copies.due:
            proctree.terminate(self._copies.become_others())
        elif now >= self._meter.due:
            reading = self._meter.sample()
            if now >= self._write_at:
                self._write_at = now + _WRITE_EVERY
                self._publish("running", reading)

    def _signal(self, number: signal.Signals) -> None:
        """Sends TERM or KILL to all that is left. What outlived its time is counted now."""
        processes = proctree.walk(proctree.children())
        living = sum(not process.is_dead for process in processes)
        if self._is_lingering:
            self._is_lingering, self._attempt.leftovers = False, living
        if self._is_told and number == signal.SIGKILL:
            self._is_told, self._attempt.deaf = False, living
        if number == signal.SIGKILL:
            proctree.kill(processes)
        else:
            proctree.terminate(processes)
            self._copies.remember(processes)
        if not proctree.VISIBLE and self._attempt.pid:
            proctree.signal_group(self._attempt.pid, number)

    def _wait(self) -> None:
        """Sleeps until a child ends, the driver speaks or is gone, or it is time for something."""
        due = min(self._kill_at, self._terminate_at, self._copies.due, self._meter.due)
        timeout = None if due == math.inf else max(0.0, due - time.monotonic()) * 1000
        if any(fd == self._channel.fileno() for fd, _ in self._poll.poll(timeout)):
            self._listen()

    def _listen(self) -> None:
        self.obey(self._channel.receive())
        if self._channel.ended:  # the driver is gone
            self._poll.unregister(self._channel)
            self._kill()

    def _finish(self) -> None:
        figures = self._publish("done", self._meter.total(), self._interpreters.uncaptured())
        self._channel.send(b'{"event": "done", "figures": %b}' % figures)
        if self._task.is_kept:
            self._file.settle()
        self._file.close()
        spawn.leave(self._task)

    def _publish(self, state: str, reading: Reading, uncaptured: dict[str, int] | None = None) -> bytes:
        figures = json.dumps(self._attempt.figures(state, reading) | {"uncaptured": uncaptured}).encode()
        self._file.replace(figures)
        return figures


def _interpreters(task: spawn.Task) -> Interpreters | NoInterpreters:
    """Those of a stage whose environment has calls captured."""
    marks = task.env.get(mark.VARIABLE.encode())
    return Interpreters(marks, task.env.get(b"INSTRUMENT_SINK", b"")) if marks else NoInterpreters()
