"""Takes a file of JSON lines apart for the shards of a stage, and joins what they made, in constant memory."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from taximeter.run.original import keep_joined

_CHUNK = 1 << 20
_BLANK = re.compile(rb"\n[^\S\n]*(?=\n|\Z)")
"""A line that is blank as far as it goes, after the one before it."""


def share_out(path: Path, parts: Sequence[Path]) -> int:
    """Writes the rows of a file into parts, in order and each as it is; says how many of the parts there are.

    No part has more than one row more than another. Fewer rows than parts make fewer parts; one without a row makes
    one. A row is a line that is not blank. OSError if the file cannot be read, or a part cannot be written.
    """
    with path.open("rb") as file:
        rows = sum(block.rows() for block in _blocks(file))
        count = min(len(parts), max(rows, 1))
        ends = [*_cuts(file, rows, count), os.fstat(file.fileno()).st_size]
        file.seek(0)
        begin = 0
        for part, end in zip(parts, ends, strict=False):
            part.parent.mkdir(exist_ok=True)
            with part.open("wb") as made:
                _copy(file, made, end - begin)
            begin = end
    return count


def join(parts: Sequence[Path], artifact: Path) -> None:
    """Makes the artifact out of the parts, one after the other, in one step; a part that is not there has no rows.

    Without any part there is no artifact. OSError if it cannot be written.
    """
    there = [part for part in parts if part.exists()]
    if not there:
        return
    beside = artifact.with_name(f"{artifact.name}.tmp")
    try:
        with beside.open("wb") as made:
            for part in there:
                with part.open("rb") as file:
                    _copy(file, made, os.fstat(file.fileno()).st_size)
                    if file.tell() and _last(file) != b"\n":
                        made.write(b"\n")
            made.flush()
            os.fsync(made.fileno())
        keep_joined(there, artifact, beside)
        beside.rename(artifact)
    finally:
        beside.unlink(missing_ok=True)


class _Block(NamedTuple):
    """A piece of a file, which begins and ends somewhere in a line."""

    text: bytes
    at: int
    """Offset of its first byte."""

    line: int
    """Offset of the line that its first byte is in."""

    is_row: bool
    """Whether that line is known not to be blank from what came before."""

    def rows(self) -> int:
        """How many lines turn out to be rows in it."""
        first = self.text.partition(b"\n")[0]
        later = self.text.count(b"\n") - len(_BLANK.findall(self.text))
        return later + (not self.is_row and bool(first.strip()))

    def starts(self) -> Iterator[int]:
        """Where those begin."""
        line, is_row, at = self.line, self.is_row, self.at
        for text in BytesIO(self.text):
            if not is_row and text.strip():
                is_row = True
                yield line
            at += len(text)
            if text.endswith(b"\n"):
                line, is_row = at, False


def _blocks(file: BinaryIO) -> Iterator[_Block]:
    file.seek(0)
    at = line = 0
    is_row = False
    while text := file.read(_CHUNK):
        yield _Block(text, at, line, is_row)
        end = text.rfind(b"\n") + 1
        if end:
            line, is_row = at + end, False
        is_row = is_row or bool(text[end:].strip())
        at += len(text)


def _cuts(file: BinaryIO, rows: int, count: int) -> Iterator[int]:
    """Where the parts after the first one begin: the first `rows % count` parts have a row more."""
    each, more = divmod(rows, count)
    firsts = deque(number * each + min(number, more) for number in range(1, count))
    before = 0
    for block in _blocks(file) if firsts else ():
        inside = block.rows()
        if firsts and firsts[0] < before + inside:
            for number, start in enumerate(block.starts(), before):
                if firsts and number == firsts[0]:
                    firsts.popleft()
                    yield start
        before += inside


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size > 0 and (piece := source.read(min(size, _CHUNK))):
        target.write(piece)
        size -= len(piece)


def _last(file: BinaryIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)
