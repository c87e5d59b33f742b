"""All runs of a folder as views of SQL, in a DuckDB that lives in memory: any number at once, nothing to lock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from taximeter.errors import Problem, RunDirError, SetupError
from taximeter.journal.reader import UNREADABLE
from taximeter.ledger.manifest import ManifestLine
from taximeter.query.answer import Answer, Dialect
from taximeter.query.compact import ReportOf, is_compact, live_tables, parquet
from taximeter.query.rows import run_row
from taximeter.query.tables import OF_RUN, RUNS
from taximeter.query.zone import local_zone
from taximeter.rundir import OutputDir, RunDir

VIEWS = ("runs", *OF_RUN)


class FolderStore:
    """Views over these runs, and what they could not hold."""

    dialect: Dialect = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection, left_out: tuple[str, ...]) -> None:
        self._connection = connection
        self.left_out = left_out

    def ask(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer:
        """The answer to a question; SetupError with what DuckDB says of one that it does not understand."""
        with _understood():
            self._one(sql)
            relation = self._connection.sql(sql, params=parameters)
            if relation is None:  # as of a statement that is no question
                return Answer([], [])
            return Answer(list(zip(relation.columns, map(str, relation.types), strict=True)), relation.fetchall())

    def arrow(self, sql: str) -> pa.Table:
        """The answer as a table of Arrow."""
        with _understood():
            self._one(sql)
            return self._connection.sql(sql).to_arrow_table()

    def _one(self, sql: str) -> None:
        """DuckDB answers nothing at all where no question is."""
        if not self._connection.extract_statements(sql):
            raise duckdb.Error("there is no statement in it")


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        hint = f"the views are {', '.join(VIEWS)}; `DESCRIBE calls` shows the columns of one"
        raise SetupError(Problem(f"the question cannot be answered: {reason}", hint)) from None


def open_store(output: OutputDir, lines: Iterable[ManifestLine], report_of: ReportOf) -> FolderStore:
    """Views over the runs of these lines of the manifest.

    Finished runs are read from their Parquet, others with our own reader, so that a bad line costs only itself.
    """
    known = list(lines)
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{local_zone()}'")
    files: list[Path] = []
    live: dict[str, list[pa.Table]] = {table: [] for table in OF_RUN}
    left_out = []
    for line in known:
        run = output.run(line.run_id)
        if is_compact(run) and not run.is_held():
            files.append(run.tables)
            continue
        try:
            for table, rows in live_tables(run, report_of).items():
                live[table].append(rows)
        except (RunDirError, OSError, *UNREADABLE):
            left_out.append(line.run_id)
    connection.register("runs", _runs(known))
    for table, schema in OF_RUN.items():
        connection.register(f"_{table}", pa.concat_tables(live[table] or [schema.empty_table()]))
        _view(connection, table, files)
    return FolderStore(connection, tuple(left_out))


def _view(connection: duckdb.DuckDBPyConnection, table: str, folders: list[Path]) -> None:
    query = f"SELECT * FROM _{table}"
    if folders:
        paths = ", ".join("'" + str(parquet(folder, table)).replace("'", "''") + "'" for folder in folders)
        query += f" UNION ALL BY NAME SELECT * FROM read_parquet([{paths}])"
    connection.execute(f"CREATE VIEW {table} AS {query}")


def _runs(lines: list[ManifestLine]) -> pa.Table:
    rows = [run_row(line) for line in lines]
    return pa.Table.from_pylist(rows, RUNS)


def finished(runs: Iterable[RunDir]) -> list[RunDir]:
    """Those that nobody holds and that have no tables yet, or old ones."""
    return [run for run in runs if run.is_one() and not is_compact(run) and not run.is_held()]
