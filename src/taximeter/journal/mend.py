"""Closes the file of a process that died: what the process itself would have done at its end."""

from __future__ import annotations

import os
from pathlib import Path

from taximeter.journal.reader import RESERVED
from taximeter.journal.writer import OPEN_SUFFIX

_CHUNK = 1 << 18


def close_abandoned(path: Path) -> Path:
    """Takes reserved space and the mark away from a journal that nobody writes; gives its new path.

    The caller knows that its process is dead: to shorten a file that is mapped would kill its writer. FileExistsError
    if there is a closed file of that name; OSError where it cannot be written.
    """
    closed = path.with_name(path.name.removesuffix(OPEN_SUFFIX))
    if closed.exists():
        raise FileExistsError(f"{closed} exists already")
    os.truncate(path, _written(path))
    path.rename(closed)
    return closed


def _written(path: Path) -> int:
    """Bytes before the reserved space."""
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            written = chunk.partition(RESERVED)[0]
            size += len(written)
            if len(written) < len(chunk):
                break
    return size
