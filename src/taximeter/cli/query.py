"""`taximeter query`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from taximeter.cli import asking, options
from taximeter.cli.asking import say_left_out, store
from taximeter.export.csv import field
from taximeter.numbers import exact, to_json
from taximeter.recipe.lookup import is_utf_8
from taximeter.redact import visible
from taximeter.report.grid import grid
from taximeter.report.table import Column, table

_NUMBER = re.compile(r"(?:(?:Nullable|LowCardinality)\()*(?:U?(?:BIG|HUGE|SMALL|TINY)?INT|DOUBLE|FLOAT|DECIMAL)", re.I)
"""Types that are numbers, as DuckDB and ClickHouse call them."""


@click.command("query")
@click.argument("sql")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--parquet", type=click.Path(path_type=Path, dir_okay=False), help="Write Parquet there.")
@asking.address
@options.output_dir
@options.as_json
def command(
    sql: str, as_csv: bool, parquet: Path | None, address: str | None, output_dir: Path | None, as_json: bool
) -> None:
    """Ask all runs a question in SQL: of DuckDB, or with --store of ClickHouse.

    The views are runs, stages, attempts, spans, calls and line_items; `DESCRIBE calls` shows the columns of one. Runs
    that still go on are in them, or what was shipped of them. Needs the extra `query`; a warehouse `clickhouse`.
    """
    if not is_utf_8(sql):
        raise click.UsageError("the question is not UTF-8")
    with store(output_dir, address) as views:
        if parquet is not None:
            import pyarrow.parquet as pq

            pq.write_table(views.arrow(sql), parquet)
            click.echo(options.shown(parquet.resolve()))
            return
        answer = views.ask(sql)
    if as_json:
        names = [name for name, _ in answer.columns]
        rows = [dict(zip(names, map(_plain, row), strict=True)) for row in answer.rows]
        columns = [{"name": name, "type": kind} for name, kind in answer.columns]
        click.echo(to_json({"schema_version": "query_v1", "columns": columns, "rows": rows}))
    elif as_csv:
        file = io.StringIO(newline="")
        writer = csv.writer(file)
        writer.writerow([name for name, _ in answer.columns])
        writer.writerows([field(_plain(value)) for value in row] for row in answer.rows)
        click.echo(file.getvalue(), nl=False)
    else:
        console = options.console()
        column = Column[tuple[Any, ...]]
        columns_ = [
            column(visible(name), _cell(place), 100 - place, right=_NUMBER.match(kind) is not None)
            for place, (name, kind) in enumerate(answer.columns)
        ]
        console.print(grid(table(columns_, answer.rows), console.width))
    say_left_out(views)


def _cell(place: int) -> Callable[[tuple[Any, ...]], str]:
    return lambda row: _text(row[place])


def _text(value: Any) -> str:
    """As a person reads it: all digits, in groups; a dash where nothing is known."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return exact(value) if isinstance(value, Decimal) else visible(str(value))


def _plain(value: Any) -> Any:
    """As JSON and CSV have it: numbers stay numbers, times and everything strange become text."""
    if value is None or isinstance(value, bool | int | float | str | Decimal):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
