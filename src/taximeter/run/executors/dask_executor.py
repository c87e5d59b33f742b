"""The executor on a Dask cluster."""

from __future__ import annotations

import contextlib
import queue
import select
from collections.abc import Iterable

from taximeter.clock import SystemClock
from taximeter.errors import SetupError
from taximeter.run.executor import Broken, Caps, Event, Key, Task
from taximeter.run.executors.dask import Elsewhere, Here
from taximeter.run.executors.dask_letters import Post
from taximeter.run.executors.dask_session import Gone, Session
from taximeter.run.remote.files import FilesError
from taximeter.run.remote.home import SILENT, Receiver
from taximeter.run.remote.shared import Tokens


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
