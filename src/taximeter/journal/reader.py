"""Reads a growing file of lines by byte offset: whole lines only, each once."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

_FIRST_CHUNK, _CHUNK = 1 << 14, 1 << 18
"""Bytes; little at first, since behind the end of a journal lies a megabyte of reserved space."""

MAX_LINE = 1 << 20
"""A longer line is garbage: it is passed over, whole, in bounded memory."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding a line can raise, whatever stands in it."""

RESERVED = b"\0"
"""Space that a journal has reserved and not yet written."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of a file."""

    offset: int
    """Where it begins: with the file, its identity."""

    data: bytes
    """The line without its newline; of a line that is too long, its beginning."""


class LineReader:
    """The lines of one file that nobody has taken yet.

    A line that is half written when it is looked at is taken once its newline is there. A journal ends where its
    reserved space begins (`end=RESERVED`). The file is never altered, and need not exist yet.
    """

    def __init__(self, path: Path, end: bytes | None = None) -> None:
        self.path = path
        self._end = end
        self.offset = 0
        """Where the next line begins."""

        self.is_missing = False
        """There was no file when it was last looked for."""

        self.is_strange = False
        """Something else than a file that can be read stands there: a directory, a pipe, somebody else's."""

    def lines(self) -> Iterator[Line]:
        """Whole lines that were added since the last call; who stops early gets the rest at the next one."""
        file = self._open()
        if file is None:
            return
        with file:
            left = os.fstat(file.fileno()).st_size - file.seek(self.offset)  # not for ever behind a fast writer
            head, length, size = b"", 0, _FIRST_CHUNK
            while left > 0 and (chunk := file.read(min(size, left))):
                left -= len(chunk)
                size = _CHUNK
                written, ended = self._written(chunk)
                *whole, rest = written.split(b"\n")
                for data in whole:
                    line = Line(self.offset, head + data)
                    self.offset += length + len(data) + 1
                    head, length = b"", 0
                    yield line
                length += len(rest)
                head = (head + rest)[: MAX_LINE + 1]
                if ended:
                    return

    def tail(self) -> Line | None:
        """What stands behind the last newline, if anything: torn for good if nobody writes any more."""
        file = self._open()
        if file is None:
            return None
        with file:
            file.seek(self.offset)
            data, _ = self._written(file.read(MAX_LINE))
        return Line(self.offset, data) if data.strip() else None

    def _open(self) -> BinaryIO | None:
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would keep us waiting
        except FileNotFoundError:
            self.is_missing = True
            return None
        except OSError:
            self.is_strange = True
            return None
        self.is_missing = False
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return os.fdopen(fd, "rb")
        os.close(fd)
        self.is_strange = True
        return None

    def _written(self, chunk: bytes) -> tuple[bytes, bool]:
        """The part of a chunk before the end mark, and whether the mark is in it."""
        if self._end is None:
            return chunk, False
        written, mark, _ = chunk.partition(self._end)
        return written, bool(mark)
