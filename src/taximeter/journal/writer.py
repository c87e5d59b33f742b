"""A process's own event file: once `append` returns, the event outlives the process, however it dies."""

from __future__ import annotations

import errno
import mmap
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from taximeter.events import Event
from taximeter.journal.line import write_line
from taximeter.journal.reader import RESERVED

OPEN_SUFFIX = ".open"
WINDOW = 1 << 20
_MAPPED_FILE_SYSTEMS = frozenset({"ext4", "xfs", "tmpfs", "overlay"})


class JournalClosedError(ValueError):
    """The journal takes no event any more."""


def _no_window(_line: bytes | bytearray) -> object:
    raise ValueError("there is no window to write to")


class _MappedFile:
    """Appends through a shared mapping of reserved space: the page cache has the bytes, no system call is made.

    The window moves on as it fills; one growing mapping would count as memory of the measured program.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._base = self._end = 0
        self._window = self._map(0, WINDOW)

    def _map(self, base: int, length: int) -> mmap.mmap:
        # Reserved first: writing to a hole on a full disk would kill the process with SIGBUS.
        os.posix_fallocate(self._fd, base, length)
        return mmap.mmap(self._fd, length, offset=base)

    @property
    def put(self) -> Callable[[bytes | bytearray], object]:
        """Writes one line; ValueError if it does not fit into the window.

        It is one call into C that holds the GIL: no thread and no signal handler can come between, and no lock is
        needed. Who dies in it leaves a zero in its line, where readers stop.
        """
        return self._window.write

    def write(self, line: bytes) -> None:
        """Writes one line, and moves on if it has to; one caller at a time."""
        try:
            self._window.write(line)
        except ValueError:
            end = self._seal()
            self._base = end - end % mmap.ALLOCATIONGRANULARITY
            self._window = self._map(self._base, max(WINDOW, len(line) + mmap.ALLOCATIONGRANULARITY))
            self._window.seek(end - self._base)
            self._window.write(line)

    def _seal(self) -> int:
        """Lets nobody write to the window any more, and gives the offset at which its lines end."""
        if not self._window.closed:  # as it is if there was no space for the next one
            begin, length = self.size(), len(self._window)
            self._window.close()
            late = os.pread(self._fd, self._base + length - begin, begin)  # what others wrote until it was closed
            self._end = begin + len(late.partition(RESERVED)[0])
        return self._end

    def size(self) -> int:
        return self._end if self._window.closed else self._base + self._window.tell()

    def close(self) -> None:
        """Gives back the space that was not needed."""
        os.ftruncate(self._fd, self._seal())

    def abandon(self) -> None:
        """Lets go of the mapping; the file stays as it is."""
        self._window.close()


class _AppendedFile:
    """Appends with one write per line, where mapping is not safe or space cannot be reserved."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._torn = False

    def write(self, line: bytes) -> None:
        data = b"\n" + line if self._torn else line
        self._torn = os.write(self._fd, data) != len(data)
        if self._torn:
            raise OSError(errno.ENOSPC, "the line is torn: no space left")

    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def close(self) -> None:
        """Nothing to do: every line is in the file."""

    abandon = close
    put = staticmethod(_no_window)


class _ClosedFile:
    """Nothing is written any more."""

    def write(self, line: bytes) -> None:
        raise JournalClosedError("the journal is closed")

    def size(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing to do."""

    abandon = close
    put = staticmethod(_no_window)


class Journal:
    """Appends events to `PATH.open`, one JSON line each; `close` leaves `PATH`.

    Never overwrites: FileExistsError if either file exists. OSError where the file cannot be made, and from `append`
    where no byte more can be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open_path = path.with_name(path.name + OPEN_SUFFIX)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(self._open_path, flags, 0o644)
        if path.exists():  # asked only now: while this file is ours, no other journal can become PATH
            os.close(self._fd)
            self._open_path.unlink()
            raise FileExistsError(f"{path} exists already")
        # Re-entrant, so that a signal handler that records in the middle of a write is not a deadlock.
        self._lock = threading.RLock()
        self._writing = False
        self._waiting: deque[bytes] = deque()
        self._buffers: list[bytearray] = []
        """Who writes a line takes one, or makes one: no thread and no signal handler has that of another."""

        self._use(_open_file(self._fd, path))

    def _use(self, file: _MappedFile | _AppendedFile | _ClosedFile) -> None:
        self._file = file
        self._put = file.put

    def append(self, event: Event) -> None:
        """Writes one event; safe from any thread and from a signal handler."""
        buffers = self._buffers
        try:
            line = buffers.pop()
        except IndexError:
            line = bytearray()
        write_line(event, line)
        try:
            self._put(line)
        except ValueError:
            self._append_slowly(bytes(line))
        buffers.append(line)

    def _append_slowly(self, line: bytes) -> None:
        with self._lock:
            if self._writing:  # this very thread is in the middle of a line, further up its stack
                self._waiting.append(line)
                return
            self._write(line)
            while self._waiting:
                self._write(self._waiting.popleft())

    def _write(self, line: bytes) -> None:
        self._writing = True
        try:
            try:
                self._file.write(line)
                self._put = self._file.put
            except OSError:
                if isinstance(self._file, _AppendedFile):
                    raise
                self._file.close()  # no space to reserve for the next window; a single line may still fit
                self._use(_AppendedFile(self._fd))
                self._file.write(line)
        finally:
            self._writing = False

    @property
    def size(self) -> int:
        """Bytes written so far; 0 once it is closed."""
        return self._file.size()

    def close(self) -> None:
        """Gives back reserved space and takes the mark away; what is appended later raises JournalClosedError."""
        with self._lock:
            if isinstance(self._file, _ClosedFile):
                return
            self._file.close()
            self._use(_ClosedFile())  # the number of the descriptor may soon be somebody else's
            os.close(self._fd)
            self._open_path.rename(self.path)

    def abandon(self) -> None:
        """Lets a parent's journal go in its forked child: the file stays as the parent has it, no lock is asked for."""
        if not isinstance(self._file, _ClosedFile):
            self._file.abandon()
            self._use(_ClosedFile())
            os.close(self._fd)


def _open_file(fd: int, path: Path) -> _MappedFile | _AppendedFile:
    if file_system(path) in _MAPPED_FILE_SYSTEMS:
        try:
            return _MappedFile(fd)
        except OSError:  # no space to reserve, or a file system that cannot: a line at a time may still fit
            os.ftruncate(fd, 0)
    return _AppendedFile(fd)


def file_system(path: Path) -> str | None:
    """Type of the file system that holds a path, as the kernel names it; None where it does not say."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    parents = {str(p) for p in (path.resolve(), *path.resolve().parents)}
    best, found = -1, None
    for mount in mounts:
        fields, _, rest = mount.partition(" - ")
        point = fields.split()[4].replace("\\040", " ")
        if point in parents and len(point) >= best:
            best, found = len(point), rest.split()[0]
    return found
