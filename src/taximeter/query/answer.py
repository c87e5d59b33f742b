"""What can be asked questions in SQL, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec
import pyarrow as pa

Dialect = Literal["duckdb", "clickhouse"]


class Answer(msgspec.Struct, frozen=True):
    """Columns with their types, and rows."""

    columns: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]


class Store(Protocol):
    """All runs of a folder, or of a warehouse, as tables of SQL."""

    @property
    def dialect(self) -> Dialect:
        """The SQL that it speaks."""
        ...

    @property
    def left_out(self) -> tuple[str, ...]:
        """Runs of which only a row in `runs` is known, since their directory is gone or cannot be read."""
        ...

    def ask(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer:
        """The answer to a question; SetupError with what is said of one that is not understood."""
        ...

    def arrow(self, sql: str) -> pa.Table:
        """The answer as a table of Arrow."""
        ...
