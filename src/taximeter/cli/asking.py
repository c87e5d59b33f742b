"""What `query`, `top`, `compact` and `ship` share: where questions go, and the report of each run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from taximeter.cli.extra import extra
from taximeter.cli.tables import compact_what_can_be
from taximeter.errors import Problem, SetupError
from taximeter.numbers import plural
from taximeter.redact import visible
from taximeter.report import json
from taximeter.report.build import build
from taximeter.report.runs import known_runs
from taximeter.rundir import OutputDir, RunDir

if TYPE_CHECKING:
    from taximeter.query.answer import Store
    from taximeter.query.warehouse.address import Address

address = click.option(
    "--store", "address", metavar="ADDRESS", help="Ask a warehouse: clickhouse://… or chdb://FOLDER."
)


@contextmanager
def store(output_dir: Path | None, address: str | None) -> Iterator[Store]:
    """All runs of the folder, of which those that are finished get tables, or of the warehouse at an address."""
    if address is None:
        yield _folder(OutputDir(output_dir or Path("output")))
        return
    asked_for = click.get_current_context().get_parameter_source("output_dir")
    if asked_for is ParameterSource.COMMANDLINE:
        raise SetupError(Problem("--store and --output-dir are two places to ask", "leave one of them out"))
    where = warehouse_at(address)
    from taximeter.query.warehouse.store import open_store

    with open_store(where) as warehouse:
        yield warehouse


def _folder(output: OutputDir) -> Store:
    with extra("query", "to ask runs in SQL"):
        from taximeter.query.store import finished, open_store
    lines = list(known_runs(output))
    compact_what_can_be(finished(output.run(line.run_id) for line in lines), report_of)
    return open_store(output, lines, report_of)


def warehouse_at(text: str) -> Address:
    """The address of a warehouse, once all is installed that it needs."""
    from taximeter.query.warehouse.address import Embedded, parse_address

    where = parse_address(text)
    with extra("clickhouse", "to talk to a warehouse"):
        import_module("clickhouse_connect")
        import_module("pyarrow")
    if isinstance(where, Embedded):
        with extra("chdb", "a warehouse in a folder"):
            import_module("chdb")
    return where


def report_of(run: RunDir) -> bytes:
    """The report of a run as JSON, made from what its directory tells now."""
    return json.render(build(run)).encode()


def say_left_out(views: Store) -> None:
    """Names runs of which only their line in the manifest is known."""
    tell_left_out(views.left_out)


def tell_left_out(run_ids: tuple[str, ...]) -> None:
    """Names runs without a directory."""
    if run_ids:
        names = ", ".join(map(visible, run_ids[:5])) + (", …" if len(run_ids) > 5 else "")
        click.echo(f"{plural(len(run_ids), 'run')} without a directory that can be read: {names}", err=True)
