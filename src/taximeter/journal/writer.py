"""A process's own event file: once `append` returns, the event outlives the process, however it dies."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from taximeter.events import Event
from taximeter.journal.pen import Pen
from taximeter.journal.reader import RESERVED
from taximeter.journal.short import ShortSpan

OPEN_SUFFIX = ".open"
WINDOW = 1 << 20
_PAGE = mmap.ALLOCATIONGRANULARITY
_ZEROS = memoryview(bytes(128 << 10))
"""What a window is filled with, piece by piece: the kernel keeps a piece as one folio of its cache if it can, and looks
at all of a folio when a page of it is first written to through the mapping."""

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
        self._end = 0
        """Up to here the lines are known to be whole; of an open window, where it began."""

        self._move(0)

    def _move(self, room: int) -> None:
        """Opens a window behind the last line, for at least so many bytes."""
        end = self._end
        base = end - end % _PAGE
        length = (end + room) // WINDOW * WINDOW + WINDOW - base
        # Reserved first: writing to a hole on a full disk would kill the process with SIGBUS.
        os.posix_fallocate(self._fd, base, length)
        # Then filled at once: a page that is first touched through the mapping costs the kernel ten times as much.
        fresh = base if base == end else base + _PAGE
        for piece in range(fresh, base + length, len(_ZEROS)):
            os.pwrite(self._fd, _ZEROS[: base + length - piece], piece)
        window = mmap.mmap(self._fd, length, offset=base)
        window.seek(end - base)
        # The window last: who is interrupted in between by an exception finds a closed one, and moves once more.
        self._base, self._limit, self._window = base, base + length, window

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
            self._seal()
            self._move(len(line))
            self._window.write(line)

    def _seal(self) -> int:
        """Lets nobody write to the window any more, and gives the offset at which its lines end.

        May be interrupted anywhere by an exception, and is right the next time.
        """
        if not self._window.closed:  # as it is if there was no space for the next one
            self._end = self.size()
            self._window.close()
        late = os.pread(self._fd, self._limit - self._end, self._end)  # what others wrote until it was closed
        self._end += len(late.partition(RESERVED)[0])
        return self._end

    def size(self) -> int:
        return self._end if self._window.closed else self._base + self._window.tell()

    def close(self) -> None:
        """Gives back the space that was not needed."""
        os.ftruncate(self._fd, self._seal())

    def abandon(self) -> None:
        """Lets go of the mapping; the file stays as it is, also if a forked signal handler returns into `write`."""
        self._fd = -1
        self._window.close()


class _AppendedFile:
    """Appends with one write per line, where mapping is not safe or space cannot be reserved."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._torn = False
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)  # not before: space cannot be filled in such a file

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
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._fd = os.open(self._open_path, flags, 0o644)
        if path.exists():  # asked only now: while this file is ours, no other journal can become PATH
            os.close(self._fd)
            self._open_path.unlink()
            raise FileExistsError(f"{path} exists already")
        # Held while its process lives: so it is known of a run whether anybody works in it. Some file systems cannot.
        with contextlib.suppress(OSError):
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Re-entrant, so that a signal handler that records in the middle of a write is not a deadlock.
        self._lock = threading.RLock()
        self._writing = False
        self._waiting: deque[bytes] = deque()
        file = _open_file(self._fd, path)
        self._pen = pen = Pen(file.put, self._append_slowly)
        self.append: Callable[[Event], None] = pen.append
        """Writes one event; safe from any thread and from a signal handler."""

        self.append_short: Callable[[ShortSpan], None] = pen.append_short
        """The same for a span in short; the span of its process is in the file."""

        self._use(file)

    def _use(self, file: _MappedFile | _AppendedFile | _ClosedFile) -> None:
        self._file = file
        self._pen.put = file.put

    def _append_slowly(self, line: bytes) -> None:
        with self._lock:
            if self._writing:  # this very thread is in the middle of a line, further up its stack
                self._waiting.append(line)
                return
            self._write(line)
            self._write_waiting()

    def _write_waiting(self) -> None:
        while self._waiting:
            self._write(self._waiting.popleft())

    def _write(self, line: bytes) -> None:
        self._writing = True
        try:
            try:
                self._file.write(line)
                self._pen.put = self._file.put
            except OSError:
                if not isinstance(self._file, _MappedFile):
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
            try:
                self._write_waiting()  # if the line before them could not be written
            finally:
                file, fd = self._file, self._fd
                self._let_go()
                file.close()
                os.close(fd)
                self._open_path.rename(self.path)

    def abandon(self) -> None:
        """Lets a parent's journal go in its forked child: the file stays as the parent has it, no lock is asked for."""
        if not isinstance(self._file, _ClosedFile):
            file, fd = self._file, self._fd
            self._let_go()
            file.abandon()
            os.close(fd)

    def _let_go(self) -> None:
        self._use(_ClosedFile())
        self._fd = -1  # its number may soon be somebody else's


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
