"""`taximeter ship`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.termui import progressbar

from taximeter.cli import options
from taximeter.cli.asking import tell_left_out, warehouse_at
from taximeter.cli.quantity import duration
from taximeter.errors import Problem, RunDirError, SetupError
from taximeter.journal.reader import UNREADABLE
from taximeter.ledger.manifest import ManifestLine
from taximeter.numbers import plural, to_json
from taximeter.report import json
from taximeter.report.build import build
from taximeter.report.loose import EventFiles
from taximeter.report.runs import find_run, known_runs, line_of
from taximeter.rundir import OutputDir, RunDir

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


@click.command("ship")
@click.argument("names", metavar="[RUN]...", nargs=-1, shell_complete=options.complete_run)
@click.option(
    "--to", "address", metavar="ADDRESS", required=True, help="clickhouse://USER@HOST/DATABASE, chdb://FOLDER."
)
@click.option("--all", "every", is_flag=True, help="All runs of the folder.")
@click.option("--since", type=duration, help="Those that began in this time up to now: 12h, 7d.")
@options.output_dir
@options.as_json
def command(
    names: tuple[str, ...], address: str, every: bool, since: float | None, output_dir: Path | None, as_json: bool
) -> None:
    """Send runs to a warehouse: ClickHouse, or an embedded one in a folder.

    RUN is a run id, `latest`, `latest~1` or the path of a run directory. The tables are made and brought up to date.
    Sending a run again changes nothing; one that has gone on meanwhile is brought up to date. The password may stand
    in the variable CLICKHOUSE_PASSWORD. Needs the extra `clickhouse`, or `chdb`.
    """
    where = warehouse_at(address)
    from taximeter.query.warehouse.connect import open_warehouse
    from taximeter.query.warehouse.migrate import migrate
    from taximeter.query.warehouse.ship import Facts, Shipment

    output = OutputDir(output_dir or Path("output"))
    lines = known_runs(output)
    known = {line.run_id: line for line in lines}

    def facts_of(run: RunDir) -> Facts:
        report = build(run)
        line = known.get(run.run_id) if run.output == output.path else None
        return Facts(line_of(report, line or ManifestLine(run.run_id)), json.render(report).encode())

    if names and (every or since is not None):
        raise SetupError(Problem("runs are named, and --all or --since is given", "leave out the one or the other"))
    chosen = list(_named(names, output) if names else _since(lines, output, every, since))
    runs, left_out = [run for run in chosen if run.is_one()], [run.run_id for run in chosen if not run.is_one()]
    sent: dict[str, Counter[str]] = {}
    with open_warehouse(where) as warehouse:
        migrate(warehouse)
        length = sum(map(_size, runs))
        with progressbar(length=length, label="shipping", file=sys.stderr, hidden=as_json) as bar:
            for run in runs:
                before = bar.pos
                try:
                    sent[run.run_id] = Shipment(run, warehouse, facts_of, _moving(bar, before)).send()
                except (RunDirError, OSError, *UNREADABLE):
                    if names:
                        raise
                    left_out.append(run.run_id)
                _moving(bar, before)(_size(run))
    if as_json:
        rows = [{"run_id": run_id, "rows": dict(of_run)} for run_id, of_run in sent.items()]
        click.echo(to_json({"schema_version": "ship_v1", "to": str(where), "runs": rows, "left_out": left_out}))
        return
    calls = sum(of_run["calls"] for of_run in sent.values())
    click.echo(f"{plural(len(sent), 'run')} with {plural(calls, 'call')} shipped to {where}")
    tell_left_out(tuple(left_out))


def _moving(bar: ProgressBar[int], before: int) -> Callable[[int], None]:
    return lambda taken: bar.update(before + taken - bar.pos)


def _size(run: RunDir) -> int:
    """Bytes of what a run has written of itself."""
    return sum(path.stat().st_size for path in [*run.journals(), *run.sinks()])


def _named(names: tuple[str, ...], output: OutputDir) -> Iterator[RunDir]:
    for name in names:
        run = find_run(name, output)
        if isinstance(run, EventFiles):
            raise RunDirError(f"{name} is no run but files of events: `taximeter import` makes a run of them")
        yield run


def _since(lines: list[ManifestLine], output: OutputDir, every: bool, since: float | None) -> Iterator[RunDir]:
    if not every and since is None:
        raise SetupError(Problem("no run is named", "name some, or say --all or --since 7d"))
    begin = datetime.min.replace(tzinfo=UTC) if since is None else datetime.now(UTC) - timedelta(seconds=since)
    for line in lines:
        if since is None or (line.started_at and datetime.fromisoformat(line.started_at) >= begin):
            yield output.run(line.run_id)
