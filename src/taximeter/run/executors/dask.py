"""Stages on a Dask cluster: one that is there, or one of worker processes that is started on this machine."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import select
import subprocess
import sys
from collections.abc import Iterable

from taximeter.clock import SystemClock
from taximeter.errors import Problem, SetupError
from taximeter.run.dismissal import dismiss
from taximeter.run.executor import Broken, Caps, Event, Key, Task
from taximeter.run.executors.dask_letters import Post
from taximeter.run.executors.dask_session import Gone, Session
from taximeter.run.remote.files import FilesError
from taximeter.run.remote.home import SILENT, Receiver
from taximeter.run.remote.shared import Tokens
from taximeter.settings import without_metering

_CLUSTER = (sys.executable, "-P", "-m", "taximeter.run.executors.dask_cluster")
_FAREWELL = 10.0
"""Seconds that a cluster of ours gets to end."""


class Elsewhere:
    """The cluster was there before, and stays."""

    is_here = False

    def __init__(self, address: str) -> None:
        self.address = address

    def close(self) -> None:
        """It is not ours to end."""


class Here:
    """A cluster on this machine, for so many stages at a time; it ends with this process."""

    is_here = True

    def __init__(self, jobs: int | None) -> None:
        cpus = os.cpu_count() or 1
        workers = min(jobs or cpus, cpus)
        threads = math.ceil((jobs or cpus) / workers)
        self._process = subprocess.Popen(
            [*_CLUSTER, str(workers), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=without_metering(os.environ),
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().decode().strip()
        if not self.address:
            self.close()
            raise SetupError(
                Problem("no Dask cluster could be started here", f"see what this says: {' '.join(_CLUSTER)} 1 1")
            )

    def close(self) -> None:
        """Ends it, and its workers with it."""
        dismiss(self._process, _FAREWELL)


class Dask:
    """Each task is one task of Dask, on a worker that is chosen here. What it writes is fetched while it runs."""

    def __init__(self, cluster: Elsewhere | Here, files: str | None) -> None:
        self._cluster = cluster
        self._files = files
        self._clock = SystemClock()
        self._receivers: dict[Key, Receiver] = {}
        self._tokens = Tokens()
        self._session = Session(cluster.address)
        try:
            cpus, memory, gpus = self._session.start()
        except SetupError:
            cluster.close()
            raise
        self.caps = Caps(cpus=cpus, memory=memory, gpus=gpus, is_here=cluster.is_here, ahead=cpus)

    def submit(self, task: Task) -> None:
        """Gives it to the worker that has most room."""
        token = self._tokens.of(task.run_dir) if self._files is None else None
        receiver = self._receivers[task.key] = Receiver(task, self._clock, token=token, url=self._files)
        try:
            self._session.submit(task, receiver.pack())
        except FilesError as error:
            self._session.news.put(Gone([task.key], str(error)))

    def poll(self, timeout: float) -> list[Event]:
        """Puts what has come where it belongs, and says what it means."""
        if timeout:
            select.select([self], [], [], timeout)
        self._session.woken()
        events: list[Event] = []
        with contextlib.suppress(queue.Empty):
            while True:
                events += self._read(self._session.news.get_nowait())
        for key, receiver in list(self._receivers.items()):
            if receiver.is_silent():
                self._session.cancel(key, 0)  # it may live all the same
                events += self._lose([key], SILENT)
        return events

    def cancel(self, key: Key, grace: float) -> None:
        """Passes it on to the worker."""
        self._session.cancel(key, grace)

    def fileno(self) -> int:
        """For a selector."""
        return self._session.fileno()

    def close(self) -> None:
        """Has everything killed, and lets go of the cluster."""
        self._session.close()
        self._cluster.close()

    def _read(self, news: Post | Gone | Broken) -> Iterable[Event]:
        match news:
            case Post():
                yield from self._open(news)
                news.taken()
            case Gone(keys=keys, reason=reason):
                yield from self._lose(keys, reason)
            case Broken():
                yield news

    def _open(self, post: Post) -> Iterable[Event]:
        for key, message in post.letters:
            if receiver := self._receivers.get(key):
                yield from receiver.take(message)
                if receiver.is_over:
                    del self._receivers[key]
                    self._session.ended(key)

    def _lose(self, keys: Iterable[Key], reason: str) -> Iterable[Event]:
        """Those of them that have not ended."""
        return [event for key in keys if key in self._receivers for event in self._receivers.pop(key).lost(reason)]


def connect(address: str | None, jobs: int | None, files: str | None) -> Dask:
    """The cluster at an address, or a new one of so many workers; SetupError if that cannot be. `files` is the URL of
    the place through which inputs and artifacts travel; without one they lie in a folder that all nodes share."""
    return Dask(Elsewhere(address) if address else Here(jobs), files)
