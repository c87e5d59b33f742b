"""What was said and has not been delivered yet: files that outlive the process, and that a later one delivers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

from taximeter.events import Event
from taximeter.journal.reader import RESERVED, LineReader
from taximeter.journal.writer import OPEN_SUFFIX, Journal, JournalClosedError

SEGMENT = 4 << 20
"""A file of this size is closed and the next one begun, so that what is delivered can be deleted."""

LIMIT = 64 << 20
"""Bytes that wait for one destination, of all processes together; what comes above is dropped, and counted."""

_SUFFIX = ".jsonl"


class Spool:
    """The part of one process: a folder that it holds (flock) while it lives, with numbered journals in it.

    OSError if it cannot be made.
    """

    def __init__(self, place: Path) -> None:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._place = place
        self.folder, self._fd = _own_folder(place)
        self._rotating = threading.Lock()
        self._number = 1
        self._journal = Journal(_segment(self.folder, self._number))
        self._room = 0
        self._counting = threading.RLock()  # re-entrant: a signal handler may be turned away, too
        self.dropped = 0
        """Events that had to be let go so far."""

        self.measure()

    def append(self, event: Event) -> None:
        """Keeps one event until it is delivered, or counts it as dropped if there is no room for it."""
        journal = self._journal
        size = journal.size
        try:
            if size >= self._room:
                self._drop()
            else:
                journal.append(event)
        except JournalClosedError:
            if journal is self._journal:
                raise  # the spool is sealed
            self.append(event)  # it was full, and another thread has begun the next one since we looked
        except OSError:
            self._drop()
        if size > SEGMENT:
            self._rotate()

    def _drop(self) -> None:
        with self._counting:
            self.dropped += 1

    def measure(self) -> None:
        """Looks how much room the destination has left for the file that grows."""
        growing = _open(_segment(self.folder, self._number))
        self._room = LIMIT - sum(_size(path) for path in _files(self._place) if path != growing)

    def seal(self) -> None:
        """Closes the file that grows: no event is taken any more."""
        self._journal.close()

    def release(self) -> None:
        """Lets the folder go: it is deleted if everything is delivered, else another process delivers it."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()
        os.close(self._fd)

    def abandon(self) -> None:
        """Lets a parent's spool go in its forked child; no lock is asked for."""
        self._journal.abandon()
        os.close(self._fd)

    def _rotate(self) -> None:
        if not self._rotating.acquire(blocking=False):
            return  # another thread is at it, or this very one, further up its stack
        try:
            full = self._journal
            if full.size > SEGMENT:
                self._journal = Journal(_segment(self.folder, self._number + 1))
                self._number += 1
                full.close()
                self.measure()
        finally:
            self._rotating.release()


class Backlog:
    """The lines of a folder of a spool that are not delivered yet, the oldest first; its writer may be alive."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = min(_numbers(folder), default=1)
        self._reader = LineReader(folder, end=RESERVED)
        self._after = 0

    def batch(self, events: int, size: int) -> list[bytes]:
        """The next lines: at most so many, and as few as make so many bytes; empty if there are none.

        Files that are closed and delivered are deleted on the way.
        """
        while True:
            path = _segment(self._folder, self._number)
            is_closed = path.exists()  # asked before reading: what is read after that is all there will ever be
            self._reader.path = path if is_closed else _open(path)
            lines = self._read(events, size)
            if lines or not is_closed:
                return lines
            path.unlink()
            self._number += 1
            self._reader = LineReader(path, end=RESERVED)

    def _read(self, events: int, size: int) -> list[bytes]:
        begin = self._reader.offset
        lines: list[bytes] = []
        for line in self._reader.lines():
            lines.append(line.data)
            size -= len(line.data)
            if size <= 0 or len(lines) == events:
                break
        self._after, self._reader.offset = self._reader.offset, begin
        return lines

    def done(self) -> None:
        """The last batch is delivered: the next one begins behind it."""
        self._reader.offset = self._after


def left_over(place: Path) -> Iterator[Path]:
    """Folders of processes that are gone; each is held, by one process at a time, while the caller looks at it."""
    for folder in sorted(place.iterdir()):
        fd = _hold(folder)
        if fd is None:
            continue
        try:
            for path in folder.glob(f"*{_SUFFIX}{OPEN_SUFFIX}"):
                path.rename(path.with_name(path.name.removesuffix(OPEN_SUFFIX)))  # nobody writes it any more
            yield folder
            with contextlib.suppress(OSError):  # something is left
                folder.rmdir()
        finally:
            os.close(fd)


def _own_folder(place: Path) -> tuple[Path, int]:
    while True:
        folder = place / secrets.token_hex(6)
        folder.mkdir(mode=0o700)
        fd = _hold(folder)
        if fd is not None:
            return folder, fd  # else somebody who looks for what is left over was faster


def _hold(folder: Path) -> int | None:
    """A descriptor that holds the folder until it is closed; None if the folder is held or gone."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    if folder.exists():
        return fd
    os.close(fd)
    return None


def _segment(folder: Path, number: int) -> Path:
    return folder / f"{number:06}{_SUFFIX}"


def _open(path: Path) -> Path:
    return path.with_name(path.name + OPEN_SUFFIX)


def _numbers(folder: Path) -> list[int]:
    return [int(name) for path in folder.iterdir() if (name := path.name.partition(".")[0]).isdecimal()]


def _files(place: Path) -> Iterator[Path]:
    for folder in place.iterdir():
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # its process is done with it meanwhile
            yield from folder.iterdir()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # delivered meanwhile
        return 0
