"""Stages on a Ray cluster: one that is there, or one that is started on this machine."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import queue
import secrets
import select
import signal
import socket
from collections.abc import Iterator
from threading import Event as Flag
from threading import Thread
from typing import Any

import msgspec
import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from taximeter.clock import SystemClock
from taximeter.errors import Problem, SetupError
from taximeter.run.executor import Caps, Event, Key, Task
from taximeter.run.executors import ray_worker
from taximeter.run.remote.files import FilesError
from taximeter.run.remote.home import SILENT, VERSION, Receiver
from taximeter.run.remote.shared import Tokens
from taximeter.run.remote.wire import is_last

_LOOK_EVERY = 1.0
_PATIENCE = 10.0
"""Seconds in which a cluster answers."""

_FAREWELL = 5.0
"""Seconds that attempts get which are killed at the end."""

_RECALL_AFTER = 0.5
"""Seconds after an order until an attempt is taken out of the queue: one that runs was heard by then."""

_LETTERS = 64
"""Messages that wait for the driver; what Ray carries waits on its way, and the rest on the workers."""

_ON_ITS_WAY = 8
"""Messages of an attempt that Ray carries at a time."""

_HERE = "127.0.0.1"
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


class _Flight(msgspec.Struct):
    """An attempt on the cluster."""

    receiver: Receiver
    stream: Any = None
    """Of Ray, once it has the task."""

    was_heard: bool = False
    recall_at: float = math.inf
    """When it is taken out of the queue, on the monotonic clock."""


class Ray:
    """Each task is one streaming task of Ray, which never tries again. A thread for each takes what it yields."""

    def __init__(self, files: str | None, *, is_here: bool) -> None:
        resources = ray.cluster_resources()
        cpus, memory, gpus = (resources.get(name, 0.0) for name in ("CPU", "memory", "GPU"))
        self.caps = Caps(cpus=cpus, memory=memory, gpus=gpus, is_here=is_here, ahead=cpus)
        self._files = files
        self._clock = SystemClock()
        self._tokens = Tokens()
        self._flights: dict[Key, _Flight] = {}
        self._letters: queue.Queue[tuple[Key, bytes | str]] = queue.Queue(_LETTERS)
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._perform = ray.remote(ray_worker.perform)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        board = ray.remote(ray_worker.Board)
        self._board_name = f"taximeter-{secrets.token_hex(8)}"
        self._board = board.options(
            name=self._board_name, num_cpus=0, max_concurrency=100_000, scheduling_strategy=here
        ).remote()
        self._end = Flag()
        self._start(self._tick)

    def submit(self, task: Task) -> None:
        """Hands it to Ray."""
        token = self._tokens.of(task.run_dir) if self._files is None else None
        receiver = Receiver(task, self._clock, token=token, url=self._files)
        flight = self._flights[task.key] = _Flight(receiver)
        self._start(self._fly, flight)

    def poll(self, timeout: float) -> list[Event]:
        """Puts what has come where it belongs, and says what it means."""
        if timeout:
            select.select([self], [], [], timeout)
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(1 << 12)
        events = [event for _ in range(_LETTERS) for event in self._open_next()]
        if not self._letters.empty():
            self._wake()
        now = self._clock.monotonic()
        for flight in list(self._flights.values()):
            if flight.receiver.is_silent():
                self._order(flight, 0.0)  # it may live all the same
                events += self._lose(flight.receiver.task.key, SILENT)
            elif now >= flight.recall_at:
                self._recall(flight)
        return events

    def cancel(self, key: Key, grace: float) -> None:
        """Has its worker told; what waits for a worker is taken out of the queue."""
        if flight := self._flights.get(key):
            self._order(flight, grace)

    def fileno(self) -> int:
        """For a selector."""
        return self._reader.fileno()

    def close(self) -> None:
        """Has everything killed, and lets go of the cluster, which ends if it is ours."""
        self._end.set()
        for flight in self._flights.values():
            self._order(flight, 0.0)
        until = self._clock.monotonic() + _FAREWELL
        while self._flights and self._clock.monotonic() < until:
            self.poll(_LOOK_EVERY)
        ray.shutdown()
        self._reader.close()
        self._writer.close()

    # -- the driver's thread ------------------------------------------------------------------------------------------

    def _open_next(self) -> list[Event]:
        try:
            key, letter = self._letters.get_nowait()
        except queue.Empty:
            return []
        flight = self._flights.get(key)
        if flight is None:
            return []
        if isinstance(letter, str):
            return self._lose(key, letter)
        flight.was_heard = True
        events = flight.receiver.take(letter)
        if flight.receiver.is_over:
            del self._flights[key]
        return events

    def _lose(self, key: Key, reason: str) -> list[Event]:
        events = self._flights[key].receiver.lost(reason)
        del self._flights[key]
        return events

    def _order(self, flight: _Flight, grace: float) -> None:
        self._board.order.remote(flight.receiver.task.key, grace)
        flight.recall_at = min(flight.recall_at, self._clock.monotonic() + _RECALL_AFTER)

    def _recall(self, flight: _Flight) -> None:
        if flight.stream is None:
            return
        flight.recall_at = math.inf
        if not flight.was_heard:
            with contextlib.suppress(RayError, TypeError):
                ray.cancel(flight.stream)

    # -- a thread for each attempt ------------------------------------------------------------------------------------

    def _start(self, function: Any, *arguments: object) -> None:
        Thread(target=function, args=arguments, daemon=True).start()

    def _fly(self, flight: _Flight) -> None:
        task = flight.receiver.task
        for letter in self._letters_of(flight):
            self._letters.put((task.key, letter))
            self._wake()

    def _letters_of(self, flight: _Flight) -> Iterator[bytes | str]:
        """What an attempt has to say; at last, what it died of."""
        task = flight.receiver.task
        try:
            options = self._perform.options(
                num_returns="streaming",
                num_cpus=task.cpus,
                num_gpus=task.gpus or None,
                memory=task.memory or None,
                max_retries=0,
                name=f"{task.run_id} {task.stage_id}",
                _generator_backpressure_num_objects=_ON_ITS_WAY,
            )
            flight.stream = options.remote(VERSION, flight.receiver.pack(), task.key, self._board_name)
            for reference in flight.stream:
                message = ray.get(reference)
                yield message
                if is_last(message):
                    return  # the end of a stream is another journey
        except FilesError as error:
            yield str(error)
        except RayError as error:
            yield _cause(error)
        else:
            yield "its worker gave it up"

    def _tick(self) -> None:
        """Wakes the driver now and then, so that silence is noticed."""
        while not self._end.wait(_LOOK_EVERY):
            self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.send(b".")


def connect(address: str | None, jobs: int | None, files: str | None) -> Ray:
    """The cluster at an address, or a new one for so many CPUs; SetupError if that cannot be. `files` is the URL of
    the place through which inputs and artifacts travel; without one they lie in a folder that all nodes share."""
    if ray.is_initialized():
        message = "this process is connected to a Ray cluster already"
        raise SetupError(Problem(message, "call ray.shutdown() first", key="--executor ray"))
    os.environ |= {name: value for name, value in _QUIET.items() if name not in os.environ}
    if address is not None:
        _check(address)
    before = signal.getsignal(signal.SIGTERM)
    try:
        _initialize(address, jobs)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise _no_cluster(error, address) from None
    finally:
        signal.signal(signal.SIGTERM, before)  # Ray would end this process, and not the run
    return Ray(files, is_here=address is None)


def _check(address: str) -> None:
    """SetupError if nobody listens at an address: Ray itself would wait for minutes."""
    if address.startswith("ray://"):
        message = "this is an address of Ray's client, which carries no streams"
        raise SetupError(Problem(message, "give that of the cluster itself: HOST:6379", key=f"--address {address}"))
    host, _, port = address.rpartition(":")
    if not port.isdecimal():  # a word that Ray knows, like `auto`
        return
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except OSError as error:
        raise _no_cluster(error, address) from None


def _no_cluster(error: Exception, address: str | None) -> SetupError:
    hint = "start one (ray start --head), or leave --address out for one on this machine"
    key = f"--address {address}" if address else "--executor ray"
    return SetupError(Problem(f"no Ray cluster answers: {_first_line(error)}", hint, key=key))


def _initialize(address: str | None, jobs: int | None) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    if address is not None:
        ray.init(address=address, **quiet)
    else:
        cpus = jobs or os.cpu_count() or 1
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, _node_ip_address=_HERE, **quiet)


def _cause(error: RayError) -> str:
    """What Ray says of a task that it gives up, in a line."""
    return f"Ray gave it up: {type(error).__name__}: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
