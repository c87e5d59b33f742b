"""Receives what comes home of an attempt, and puts it where a stage on this machine would have written it."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path

import msgspec

import taximeter
from taximeter.clock import Clock
from taximeter.run.environment import STARTUP
from taximeter.run.executor import Done, Event, Lost, Started, Task
from taximeter.run.remote import files
from taximeter.run.remote.wire import EVENTS, Chunk, End, News, Parcel, Sum, growing_files, read_news
from taximeter.run.usagefile import NoUsageFile, UsageFile

SILENCE = 30.0
"""Seconds without a message after which a worker is given up."""

SILENT = "its worker has not been heard of any more"

VERSION = taximeter.__version__
"""What `work` is told."""

_JOURNAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,200}\.jsonl")
_MOST_EARLY = 8 << 20
"""Bytes that are kept of what comes before what is to stand before it."""

_CHUNK = 1 << 20


class Receiver:
    """One attempt. The engine's side gives it every message, in whatever order and however often they come.

    `token` is what stands in the token file of the run directory; `url` is the place for files if there is none.
    Without locks: one thread at a time.
    """

    def __init__(self, task: Task, clock: Clock, *, token: str | None = None, url: str | None = None) -> None:
        self.task = task
        self._clock = clock
        self._token = token
        self._url = None if url is None else files.folder_of(url, task)
        self._files = _Files(task)
        self._usage = NoUsageFile() if task.usage_path is None else UsageFile(os.fsencode(task.usage_path))
        self._has_begun = False
        self.is_over = False
        """Its last event was given."""

        self._heard_at: float | None = None

    def pack(self) -> bytes:
        """The parcel for `work`, once the inputs are where it can reach them; FilesError."""
        if self._url is not None:
            files.send_inputs(self._url, self.task)
        parcel = Parcel(task=self.task, python=sys.executable, startup=STARTUP, token=self._token, files=self._url)
        return parcel.pack()

    def take(self, message: bytes) -> list[Event]:
        """Puts away what came, and gives the events for the driver."""
        if self.is_over:
            return []
        self._heard_at = self._clock.monotonic()
        try:
            return self._take(read_news(message))
        except (msgspec.DecodeError, OSError, files.FilesError) as error:
            return self.lost(f"what it sent cannot be kept: {error}")

    def lost(self, reason: str) -> list[Event]:
        """Nothing more will come. What has come counts."""
        if self.is_over:
            return []
        self.is_over = True
        self._files.give_up()
        return [Lost(self.task.key, reason)]

    def is_silent(self) -> bool:
        """Whether the worker has spoken, and then no more for so long that nobody need wait for it."""
        return not self.is_over and self._heard_at is not None and self._clock.monotonic() - self._heard_at > SILENCE

    def _take(self, news: News) -> list[Event]:
        for chunk in news.chunks:
            self._files.put(chunk)
        if news.usage is not None:
            self._usage.replace(news.usage)
        events: list[Event] = []
        if not self._has_begun and (news.began is not None or (news.end and news.end.figures and news.end.figures.pid)):
            self._has_begun = True
            events.append(Started(self.task.key, news.node, news.began or 0.0))
        return events if news.end is None else [*events, *self._end(news.end)]

    def _end(self, end: End) -> list[Event]:
        if self._url is not None:
            files.bring_home(self._url, self.task, end.made)
            files.clear(self._url)
        if end.figures is None:
            return self.lost("its supervisor died")
        self.is_over = True
        self._files.give_up()
        return [Done(self.task.key, end.figures, self._files.gaps(end.sums))]


class _Files:
    """The files of an attempt in the run directory. Only those may be written that an attempt has."""

    def __init__(self, task: Task) -> None:
        self._run = Path(task.run_dir)
        self._own = growing_files(task)
        self._ends: dict[str, int] = {}
        """Up to where each file is whole."""

        self._early: dict[str, dict[int, bytes]] = {}
        self._early_size = 0

    def put(self, chunk: Chunk) -> None:
        """Writes what a chunk says, as soon as all that stands before it is there; OSError."""
        if not self._may_write(chunk.path) or chunk.offset < 0:
            return
        end = self._ends.get(chunk.path, 0)
        if chunk.offset > end:
            self._keep(chunk)
            return
        self._write(chunk.path, chunk.offset, chunk.data)
        early = self._early.get(chunk.path, {})
        while due := sorted(offset for offset in early if offset <= self._ends[chunk.path]):
            data = early.pop(due[0])
            self._early_size -= len(data)
            self._write(chunk.path, due[0], data)

    def give_up(self) -> None:
        """Writes what still waits for something before it. Newlines fill the gap: readers pass over empty lines."""
        for path, early in self._early.items():
            for offset in sorted(early):
                end = self._ends.get(path, 0)
                while end < offset:
                    filler = b"\n" * min(_CHUNK, offset - end)
                    self._write(path, end, filler)
                    end += len(filler)
                self._write(path, offset, early[offset])
        self._early, self._early_size = {}, 0

    def gaps(self, sums: dict[str, Sum]) -> tuple[str, ...]:
        """Files that are not what they were on the worker, from the run directory. What is too long is cut."""
        for path, whole in sums.items():
            if not whole.size and self._may_write(path) and path not in self._ends:
                self._write(path, 0, b"")
            if self._ends.get(path, 0) > whole.size:
                os.truncate(self._run / path, whole.size)
        wrong = {path for path, whole in sums.items() if path not in self._ends or self._sum(path) != whole}
        return tuple(sorted(wrong | (self._ends.keys() - sums.keys())))

    def _may_write(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        return path in self._own or (folder == EVENTS and _JOURNAL.fullmatch(name) is not None)

    def _keep(self, chunk: Chunk) -> None:
        early = self._early.setdefault(chunk.path, {})
        if chunk.offset not in early and self._early_size + len(chunk.data) <= _MOST_EARLY:
            early[chunk.offset] = chunk.data
            self._early_size += len(chunk.data)

    def _write(self, path: str, offset: int, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        if path not in self._ends:
            # A journal is of one process: one that is there already is somebody else's.
            flags |= os.O_CREAT | (0 if path in self._own else os.O_EXCL)
        fd = os.open(self._run / path, flags, 0o644)
        try:
            left, at = memoryview(data), offset
            while left:
                written = os.pwrite(fd, left, at)
                left, at = left[written:], at + written
        finally:
            os.close(fd)
        self._ends[path] = max(self._ends.get(path, 0), offset + len(data))

    def _sum(self, path: str) -> Sum:
        digest, size, lines = hashlib.sha256(), 0, 0
        with (self._run / path).open("rb") as file:
            while data := file.read(_CHUNK):
                digest.update(data)
                size, lines = size + len(data), lines + data.count(b"\n")
        return Sum(size, lines, digest.hexdigest())
