"""What runs on a worker of any engine: one attempt, and all that it writes on its way home.

`work` is a generator, to be run where the engine runs things: in the main thread of a process or in any other thread.
It yields messages, the bytes of `wire.News`, the first one at once and then at least one a second; the one with an
`end` is the last. The engine carries them home in whatever way, and hands them to `home.Receiver.take`. Whoever does
not ask for the next message stops nothing but the messages: the stage goes on, and what it writes waits on the disk.
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
from contextlib import closing
from pathlib import Path

import taximeter
from taximeter.ledger.figures import Figures
from taximeter.run import messages
from taximeter.run.launcher import Forkserver, StageHandle
from taximeter.run.remote.files import FilesError, fetch, put_back
from taximeter.run.remote.scratch import Scratch
from taximeter.run.remote.tail import LARGEST, Tails
from taximeter.run.remote.wire import Chunk, End, News, Parcel, growing_files, inside
from taximeter.run.spawn import NOT_STARTED

BEAT = 1.0
"""Seconds between two messages, at most."""

TOKEN = "shared.token"
"""The file in a run directory by which a worker knows that it sees the driver's."""

_ROOM = 2 * LARGEST
"""Bytes of files in a message, about."""

_FIRST, _LONGEST, _GROWTH = 0.02, 0.2, 1.5
"""Seconds before the first look at the files, between looks at a long stage, and how the one becomes the other."""

Ordered = Callable[[], float | None]
"""Gives the grace of an order to end that has come since it was asked last, 0 for KILL at once; None if none has. It
is asked often, and must not wait."""


def work(version: str, parcel: bytes, ordered: Ordered) -> Generator[bytes, None, None]:
    """Runs the task of a packed `wire.Parcel`, which a driver of that version of taximeter has packed."""
    if version != taximeter.__version__:
        yield _refusal(f"it has taximeter {taximeter.__version__}, and the driver {version}: install the same")
        return
    yield News(_node()).pack()
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
            fetch(parcel.files, scratch)
        usage = None if task.usage_path is None else inside(task, task.usage_path)
        tails = Tails(scratch.run, growing_files(task), usage)
        with closing(_forkserver().launch(scratch.task())) as handle:
            figures = yield from _Stream(handle, tails, ordered).follow()
        made = () if parcel.files is None else put_back(parcel.files, scratch)
        yield News(_node(), usage=tails.usage(), end=End(figures, tails.sums(), made)).pack()


class _Stream:
    """The messages of an attempt that runs."""

    def __init__(self, handle: StageHandle, tails: Tails, ordered: Ordered) -> None:
        self._handle = handle
        self._tails = tails
        self._ordered = ordered
        self._poll = select.poll()
        self._poll.register(handle, select.POLLIN)
        self._patience = _FIRST
        self._told_at = time.monotonic()

    def follow(self) -> Generator[bytes, None, Figures | None]:
        """Yields what there is to tell until nothing of the attempt is left; returns what it took."""
        figures, is_over = None, False
        while not is_over:
            began = False
            for message in self._hear():
                match message:
                    case messages.Started():
                        began = True
                    case messages.Done():
                        figures, is_over = message.figures, True
                    case messages.Lost():
                        is_over = True
            yield from self._tell(began)
            if (grace := self._ordered()) is not None:
                self._obey(grace)
        yield from _bundled(self._tails.rest())
        return figures

    def _hear(self) -> list[messages.Message]:
        """What the supervisor says, waited for as long as nobody has to look at the files."""
        if not self._poll.poll(self._patience * 1000):
            self._patience = min(self._patience * _GROWTH, _LONGEST)
        return self._handle.read()

    def _tell(self, began: bool) -> Iterator[bytes]:
        """News, if there are any; a beat, if it is time for one."""
        chunks, usage = self._tails.read(_ROOM), self._tails.usage()
        if chunks or usage or began or time.monotonic() - self._told_at >= BEAT:
            yield News(_node(), began, chunks, usage).pack()
            self._told_at = time.monotonic()

    def _obey(self, grace: float) -> None:
        if grace:
            self._handle.stop(grace)
        else:
            self._handle.kill()


def _bundled(chunks: Iterator[Chunk]) -> Iterator[bytes]:
    """Few messages for many small files."""
    some: list[Chunk] = []
    size = 0
    for chunk in chunks:
        some.append(chunk)
        size += len(chunk.data)
        if size >= _ROOM:
            yield News(_node(), chunks=some).pack()
            some, size = [], 0
    if some:
        yield News(_node(), chunks=some).pack()


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
