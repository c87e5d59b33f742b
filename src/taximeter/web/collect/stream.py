"""The event file of one process: what it holds already, and what is to be appended next."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import msgspec

from taximeter.journal.reader import UNREADABLE, LineReader
from taximeter.ledger.seen import Seen
from taximeter.web.collect.handles import Handles

_PIECE = 256 << 10
"""Bytes of a file that are looked through to find a line of it."""


_NONE = (1 << 63, -1)
"""The lowest and the highest number of no lines."""


class Head(msgspec.Struct, gc=False):
    """What tells deliveries apart."""

    event_id: tuple[str, int]


class _Piece(msgspec.Struct, gc=False):
    """A stretch of the file, and which numbers stand in it at most."""

    low: int
    high: int
    begin: int
    end: int


_head = msgspec.json.Decoder(Head)


class Stream:
    """What one process has sent for one run, in `events/<process>.jsonl`.

    What is taken is kept until `write`. If that fails the stream knows numbers that are not in the file: it must be
    forgotten, and made anew from the file. A line that was torn when a collector died was acknowledged to nobody, and
    is cut off: it comes again.
    """

    __slots__ = ("_bytes", "_handles", "_high", "_low", "_pieces", "_seen", "_waiting", "counted", "path", "process")

    def __init__(self, path: Path, process: str, handles: Handles) -> None:
        self.path = path
        self.counted = 0
        self.process = process
        self._handles = handles
        self._seen = Seen()
        self._pieces: list[_Piece] = []
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._low, self._high = _NONE
        self._read()

    def take(self, seq: int, line: bytes) -> bool:
        """Takes one line to be written; false if its number is known."""
        if not self._seen.is_new(seq):
            return False
        self._waiting.append(line)
        self._bytes += len(line) + 1
        self._high = max(self._high, seq)
        self._low = min(self._low, seq)
        return True

    @property
    def next_seq(self) -> int:
        """The number behind all that are known."""
        return self._seen.next

    @property
    def waits(self) -> bool:
        """Whether anything waits to be written."""
        return bool(self._waiting)

    def gain(self) -> int:
        """How much memory it has taken since it was asked last, in streams of the usual kind."""
        before, self.counted = self.counted, 1 + (self._seen.ranges + len(self._pieces)) // 16
        return self.counted - before

    def write(self) -> int:
        """Appends what was taken, whole or not at all, and gives the descriptor; OSError if that cannot be."""
        fd = self._handles.of(self.path)
        stat = os.fstat(fd)
        if not stat.st_nlink:
            raise OSError(errno.ENOENT, "somebody deletes the run")
        begin = stat.st_size
        self._waiting.append(b"")
        data = memoryview(b"\n".join(self._waiting))
        try:
            while data:
                data = data[os.write(fd, data) :]
        except OSError:
            os.ftruncate(fd, begin)
            raise
        self._add(_Piece(self._low, self._high, begin, begin + self._bytes))
        self._clear()
        return fd

    def differ(self, again: dict[int, list[bytes]]) -> int:
        """How many of these lines, by their numbers, stand in the file with other content. OSError as ever."""
        others = 0
        fd = self._handles.of(self.path)
        for piece in self._pieces:
            if not any(piece.low <= seq <= piece.high for seq in again):
                continue
            for line in os.pread(fd, piece.end - piece.begin, piece.begin).split(b"\n"):
                seq = self._seq(line)
                if seq is not None:
                    others += sum(other != line for other in again.get(seq, ()))
        return others

    def _clear(self) -> None:
        self._waiting = []
        self._bytes = 0
        self._low, self._high = _NONE

    def _add(self, piece: _Piece) -> None:
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last.end == piece.begin and piece.end - last.begin <= _PIECE:
            last.low, last.high, last.end = min(last.low, piece.low), max(last.high, piece.high), piece.end
        else:
            self._pieces.append(piece)

    def _read(self) -> None:
        """Learns what the file holds, if there is one."""
        reader = LineReader(self.path)
        reader.offset = self._first()
        for line in reader.lines():
            seq = self._seq(line.data)
            if seq is not None:
                self._seen.is_new(seq)
                self._add(_Piece(seq, seq, line.offset, reader.offset))
                self._learn(line.data)
        if reader.tail() is not None:
            os.truncate(self.path, reader.offset)

    def _first(self) -> int:
        """Where begins what has to be known of the file."""
        return 0

    def _learn(self, line: bytes) -> None:
        """Sees a line that stands in the file already."""

    def _seq(self, line: bytes) -> int | None:
        """The number of a line of this process; None if it is none."""
        try:
            process, seq = _head.decode(line).event_id
        except UNREADABLE:
            return None
        return seq if process == self.process else None
