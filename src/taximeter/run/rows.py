"""Counts the rows of JSON-lines artifacts: the items of a stage that does not tell them itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_CHUNK = 1 << 20


class RowCounter:
    """Rows by file; a file that has not changed is read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], int] = {}

    def count(self, paths: Iterable[Path]) -> int | None:
        """Rows in all files of JSON lines among the paths; None if there is none."""
        counts = [self._rows(path) for path in paths if path.suffix == ".jsonl" and path.is_file()]
        return sum(counts) if counts else None

    def _rows(self, path: Path) -> int:
        stat = path.stat()
        key = (str(path), stat.st_size, stat.st_mtime_ns)
        if key not in self._known:
            self._known[key] = count_rows(path)
        return self._known[key]


def count_rows(path: Path) -> int:
    """Lines that are not blank; the last one need not end with a newline."""
    rows, blank = 0, True
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            *whole, rest = chunk.split(b"\n")
            for line in whole:
                rows += not (blank and not line.strip())
                blank = True
            blank = blank and not rest.strip()
    return rows + (not blank)
