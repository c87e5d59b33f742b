"""What runs on a worker of any engine: one attempt, and all that it writes on its way home.

`work` is a generator, to be run where the engine runs things: in the main thread of a process or in any other thread.
It yields messages, the bytes of `wire.News`, the first one soon and then at least one a second; the one with an `end`
is the last, and of a short attempt the only one. The engine carries them home in whatever way, and hands them to
`home.Receiver.take`. Whoever does not ask for the next message stops nothing but the messages: the stage goes on, and
what it writes waits on the disk.
When the generator is closed, or its process dies, every process of the attempt is killed.
"""

from __future__ import annotations

import os
import pickle
import select
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

import taximeter
from taximeter.ledger.figures import Figures
from taximeter.run import messages
from taximeter.run.launcher import Forkserver, StageHandle
from taximeter.run.remote.files import FilesError, fetch, put_back
from taximeter.run.remote.scratch import Scratch
from taximeter.run.remote.tail import LARGEST, Tails
from taximeter.run.remote.wire import Chunk, End, News, Parcel
from taximeter.run.spawn import NOT_STARTED

BEAT = 1.0
"""Seconds between two messages, at most."""

TOKEN = "shared.token"
"""The file in a run directory by which a worker knows that it sees the driver's."""

_ROOM = 2 * LARGEST
"""Bytes of files in a message, about."""

_LOOK_EVERY = 0.2
"""Seconds between looks at the files; who ends before the first one costs one message."""

T = TypeVar("T")

Ordered = Callable[[], float | None]
"""Gives the grace of an order to end that has come since it was asked last, 0 for KILL at once; None if none has. It
is asked often, and must not wait."""


def work(version: str, parcel: bytes, ordered: Ordered) -> Generator[bytes, None, None]:
    """Runs the task of a packed `wire.Parcel`, which a driver of that version of taximeter has packed."""
    if version != taximeter.__version__:
        yield _refusal(f"it has taximeter {taximeter.__version__}, and the driver {version}: install the same")
        return
    opened: Parcel = pickle.loads(parcel)
    try:
        yield from _attempt(opened, ordered)
    except FilesError as error:
        yield _refusal(str(error))
    except OSError as error:
        yield _refusal(f"{error.filename or 'its scratch directory'}: {error.strerror}")


def _attempt(parcel: Parcel, ordered: Ordered) -> Iterator[bytes]:
    task = parcel.task
    if parcel.token is not None and not _sees(task.run_dir, parcel.token):
        yield _refusal(f"it does not see {task.run_dir}: share that folder, or give --files URL (s3://…, file:///…)")
        return
    with Scratch(parcel) as scratch:
        if parcel.files is not None:
            yield from _beating(partial(fetch, parcel.files, scratch))
        tails = Tails(scratch.run, scratch.growing, scratch.usage)
        with closing(_forkserver().launch(scratch.task())) as handle:
            figures = yield from _Stream(handle, tails, ordered).follow()
        bundles = _bundles(tails.rest())
        last = next(bundles)
        for bundle in bundles:
            yield News(_node(), chunks=last).pack()
            last = bundle
        made: tuple[int, ...] = ()
        if parcel.files is not None:
            made = yield from _beating(partial(put_back, parcel.files, scratch))
        yield News(_node(), chunks=last, usage=tails.usage(), end=End(figures, tails.sums(), made)).pack()


def _beating(carry: Callable[[], T]) -> Generator[bytes, None, T]:
    """Does what may take its time, and lives meanwhile."""
    with ThreadPoolExecutor(1) as aside:
        carried = aside.submit(carry)
        while not wait([carried], BEAT).done:
            yield News(_node()).pack()
        return carried.result()


class _Stream:
    """The messages of an attempt that runs."""

    def __init__(self, handle: StageHandle, tails: Tails, ordered: Ordered) -> None:
        self._handle = handle
        self._tails = tails
        self._ordered = ordered
        self._poll = select.poll()
        self._poll.register(handle, select.POLLIN)
        self._began_at: float | None = None
        """When its process began, as long as that was not told."""

        self._told_at = time.monotonic()

    def follow(self) -> Generator[bytes, None, Figures | None]:
        """Yields what there is to tell while processes of the attempt are left; returns what it took."""
        while True:
            is_time = not self._poll.poll(_LOOK_EVERY * 1000)
            for message in self._handle.read():
                match message:
                    case messages.Started():
                        self._began_at = time.monotonic()
                    case messages.Done():
                        return message.figures
                    case messages.Lost():
                        return None
            if (grace := self._ordered()) is not None:
                self._obey(grace)
            if is_time:
                yield from self._tell()

    def _tell(self) -> Iterator[bytes]:
        """News, if there are any; a beat, if it is time for one."""
        now, chunks, usage = time.monotonic(), self._tails.read(_ROOM), self._tails.usage()
        began = None if self._began_at is None else now - self._began_at
        if chunks or usage or began is not None or now - self._told_at >= BEAT:
            self._began_at, self._told_at = None, now
            yield News(_node(), began, chunks, usage).pack()

    def _obey(self, grace: float) -> None:
        if grace:
            self._handle.stop(grace)
        else:
            self._handle.kill()


def _bundles(chunks: Iterator[Chunk]) -> Iterator[list[Chunk]]:
    """As much as goes into one message at a time; the last one may be empty."""
    some: list[Chunk] = []
    size = 0
    for chunk in chunks:
        if size >= _ROOM:
            yield some
            some, size = [], 0
        some.append(chunk)
        size += len(chunk.data)
    yield some


def _sees(run_dir: str, token: str) -> bool:
    try:
        return (Path(run_dir) / TOKEN).read_text() == token
    except OSError:
        return False


def _refusal(reason: str) -> bytes:
    """The last message of an attempt that was never begun: as of a command that cannot be run."""
    now = time.time()
    figures = Figures(
        state="done",
        started_at=now,
        ended_at=now,
        wall_seconds=0.0,
        exit_code=NOT_STARTED,
        spawn_error=f"the worker on {_node()} cannot run it: {reason}",
    )
    return News(_node(), end=End(figures)).pack()


def _node() -> str:
    return socket.gethostname()


class _Forkservers:
    """The one of this process, started when it is needed first, and again if it has died or this is a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forkserver: Forkserver | None = None
        self._of = 0

    def get(self) -> Forkserver:
        with self._lock:
            if self._forkserver is None or self._of != os.getpid() or select.select([self._forkserver], [], [], 0)[0]:
                self._forkserver, self._of = Forkserver.start(), os.getpid()
            return self._forkserver


_forkserver = _Forkservers().get
