"""Follows the files of an attempt as they grow, in bounded memory however fast they do."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from taximeter.journal.reader import RESERVED
from taximeter.journal.writer import OPEN_SUFFIX
from taximeter.run.remote.wire import EVENTS, Chunk, Sum
from taximeter.rundir import RunDir

LARGEST = 256 << 10
"""Bytes of a chunk."""


class _Digest:
    """The sum of what has been read so far."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = self._lines = 0

    def add(self, data: bytes) -> None:
        self._hash.update(data)
        self.size += len(data)
        self._lines += data.count(b"\n")

    def sum(self) -> Sum:
        return Sum(self.size, self._lines, self._hash.hexdigest())


class Tail:
    """One file. `end` is where it ends before its size does: the reserved space of a journal."""

    def __init__(self, name: str, paths: Iterable[Path], end: bytes | None = None) -> None:
        self.name = name
        self._paths = tuple(paths)
        """Where it may lie: a journal loses its `.open`."""

        self._end = end
        self._sent = _Digest()

    def read(self) -> Chunk | None:
        """What comes next; None if nothing has been added. A file that became shorter begins anew."""
        data = self._at(self._sent.size)
        if data is None:
            self._sent = _Digest()
            data = self._at(0)
        if not data:
            return None
        chunk = Chunk(self.name, self._sent.size, data)
        self._sent.add(data)
        return chunk

    def rest(self) -> Iterator[Chunk]:
        """All that is left when nobody writes any more; everything, if what was sent has been changed since."""
        may_have_changed = self._sent.size > 0
        yield from iter(self.read, None)
        if may_have_changed and self.sum() != self._found():
            self._sent = _Digest()
            yield from iter(self.read, None)

    def sum(self) -> Sum:
        """Of what was sent."""
        return self._sent.sum()

    def is_there(self) -> bool:
        """Whether there is such a file."""
        return any(path.exists() for path in self._paths)

    def _found(self) -> Sum:
        digest = _Digest()
        while data := self._at(digest.size):
            digest.add(data)
        return digest.sum()

    def _at(self, offset: int) -> bytes | None:
        """Some bytes from there on; None if the file ends before. What is no regular file is empty."""
        for path in self._paths:
            try:
                fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                status = os.fstat(fd)
                if not stat.S_ISREG(status.st_mode):
                    return b""
                data = os.pread(fd, LARGEST, offset)
            finally:
                os.close(fd)
            if status.st_size < offset:
                return None
            return data if self._end is None else data.partition(self._end)[0]
        return b""


class Tails:
    """All files of an attempt that grow, and its usage file."""

    def __init__(self, run: RunDir, growing: Mapping[str, Path], usage: Path | None) -> None:
        self._run = run
        self._tails = {name: Tail(name, [path]) for name, path in growing.items()}
        self._usage = usage
        self._seen: tuple[int, int] | None = None

    def read(self, room: int) -> list[Chunk]:
        """What has been added, about so many bytes of it at the most; the files take turns."""
        self._look_for_journals()
        chunks: list[Chunk] = []
        for tail in self._tails.values():
            if room <= 0:
                break
            if (chunk := tail.read()) is not None:
                chunks.append(chunk)
                room -= len(chunk.data)
        if room <= 0:  # whoever had no turn comes first next time
            self._tails = dict(reversed(self._tails.items()))
        return chunks

    def rest(self) -> Iterator[Chunk]:
        """All that is left when nobody writes any more."""
        self._look_for_journals()
        for tail in self._tails.values():
            yield from tail.rest()

    def usage(self) -> bytes | None:
        """The figures so far, if they were written since the last time."""
        if self._usage is None:
            return None
        try:
            status = self._usage.stat()
            seen = (status.st_ino, status.st_mtime_ns)
            if seen == self._seen:
                return None
            self._seen = seen
            return self._usage.read_bytes()
        except OSError:
            return None

    def sums(self) -> dict[str, Sum]:
        """Of all files that there are."""
        return {tail.name: tail.sum() for tail in self._tails.values() if tail.is_there()}

    def _look_for_journals(self) -> None:
        for path in self._run.journals():
            closed = path.name.removesuffix(OPEN_SUFFIX)
            name = f"{EVENTS}/{closed}"
            if name not in self._tails:
                paths = (path.with_name(closed + OPEN_SUFFIX), path.with_name(closed))
                self._tails[name] = Tail(name, paths, end=RESERVED)
