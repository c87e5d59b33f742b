"""A table of text that any renderer can draw: its columns, and which of them give way where there is little room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from taximeter.redact import visible

R = TypeVar("R")


class Column(msgspec.Struct, Generic[R], frozen=True):
    """One column of a table."""

    title: str
    cell: Callable[[R], str]
    importance: int
    """Columns of least importance go first."""

    right: bool = True
    """Numbers stand on the right."""

    narrowest: int | None = None
    """Characters to which its texts may be cut where there is little room; None: never."""


class Table(msgspec.Struct, frozen=True):
    """Columns of text, ready for any renderer."""

    titles: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    """The texts of each column."""

    right: tuple[bool, ...]
    importance: tuple[int, ...]
    narrowest: tuple[int | None, ...]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The texts of each row."""
        return list(zip(*self.cells, strict=True))


def table(columns: Sequence[Column[R]], rows: Sequence[R]) -> Table:
    """The figures of all rows in words, with nothing in them that a terminal would obey."""
    return Table(
        titles=tuple(column.title for column in columns),
        cells=tuple(tuple(visible(column.cell(row)) for row in rows) for column in columns),
        right=tuple(column.right for column in columns),
        importance=tuple(column.importance for column in columns),
        narrowest=tuple(column.narrowest for column in columns),
    )
