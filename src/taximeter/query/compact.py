"""The tables of a finished run as Parquet, in `tables/` of its directory: derived, and in no report."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex

import pyarrow as pa
import pyarrow.parquet as pq

from taximeter.ledger.replay import replay
from taximeter.pricing.builtin import built_in
from taximeter.pricing.sheet import Sheet, read_sheet
from taximeter.query.rows import RunRows, Write
from taximeter.query.tables import OF_RUN
from taximeter.rundir import RunDir

ReportOf = Callable[[RunDir], bytes]
"""Gives the report of a run as JSON."""


def is_compact(run: RunDir) -> bool:
    """Whether the tables are there and nothing was begun in the run since they were written."""
    try:
        return run.tables.stat().st_mtime_ns >= run.events.stat().st_mtime_ns
    except FileNotFoundError:
        return False


def compact(run: RunDir, report_of: ReportOf) -> None:
    """Writes the tables of a run that nobody works on any more. Others may do the same at once: one of them is last."""
    beside = run.path / f"tables.{token_hex(4)}.tmp"
    beside.mkdir()
    try:
        with ExitStack() as stack:
            writers = {
                table: stack.enter_context(pq.ParquetWriter(parquet(beside, table), schema, compression="zstd"))
                for table, schema in OF_RUN.items()
            }
            tell(run, report_of, lambda table, rows: writers[table].write_batch(rows))
        _put(beside, run)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put(beside: Path, run: RunDir) -> None:
    """In their place, unless somebody was faster: a reader may be at those."""
    if is_compact(run):
        return
    shutil.rmtree(run.tables, ignore_errors=True)
    try:
        beside.rename(run.tables)
    except OSError:
        if not is_compact(run):
            raise


def write_calls(run: RunDir, path: Path) -> None:
    """Writes the calls of a run as Parquet, in bounded memory."""
    with pq.ParquetWriter(path, OF_RUN["calls"], compression="zstd") as writer:

        def write(table: str, rows: pa.RecordBatch) -> None:
            if table == "calls":
                writer.write_batch(rows)

        rows = RunRows(run.run_id, write)
        replay(run, sheet_of(run), rows)
        rows.finish()


def live_tables(run: RunDir, report_of: ReportOf) -> dict[str, pa.Table]:
    """The same of a run that goes on, in memory."""
    batches: dict[str, list[pa.RecordBatch]] = {table: [] for table in OF_RUN}
    tell(run, report_of, lambda table, rows: batches[table].append(rows))
    return {table: pa.Table.from_batches(batches[table], schema) for table, schema in OF_RUN.items()}


def tell(run: RunDir, report_of: ReportOf, write: Write) -> None:
    """Writes all rows of a run, in bounded memory."""
    rows = RunRows(run.run_id, write)
    rows.report(report_of(run))
    replay(run, sheet_of(run), rows)
    rows.finish()


def sheet_of(run: RunDir) -> Sheet:
    """The prices that the run began with."""
    return read_sheet(run.pricing) if run.pricing.exists() else built_in()


def parquet(folder: Path, table: str) -> Path:
    """The file of a table."""
    return folder / f"{table}.parquet"
