"""Takes a file of JSON lines apart for the shards of a stage, and joins what they made, in constant memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from taximeter.run.original import keep_joined

_CHUNK = 1 << 20


def share_out(path: Path, parts: Sequence[Path]) -> int:
    """Writes the rows of a file into parts, in order and each as it is; says how many of the parts there are.

    No part has more than one row more than another. Fewer rows than parts make fewer parts; one without a row makes
    one. A row is a line that is not blank. OSError if the file cannot be read, or a part cannot be written.
    """
    with path.open("rb") as file:
        rows = sum(1 for _ in _starts(file))
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


def _starts(file: BinaryIO) -> Iterator[int]:
    """Where each row begins."""
    file.seek(0)
    begin, is_row = 0, False
    while piece := file.readline(_CHUNK):
        if not is_row and piece.strip():
            is_row = True
            yield begin
        if piece.endswith(b"\n"):
            begin, is_row = file.tell(), False


def _cuts(file: BinaryIO, rows: int, count: int) -> Iterator[int]:
    """Where the parts after the first one begin: the first `rows % count` parts have a row more."""
    each, more = divmod(rows, count)
    first = {number * each + min(number, more) for number in range(1, count)}
    return (begin for number, begin in enumerate(_starts(file)) if number in first)


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size > 0 and (piece := source.read(min(size, _CHUNK))):
        target.write(piece)
        size -= len(piece)


def _last(file: BinaryIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)
