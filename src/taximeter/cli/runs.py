"""`taximeter runs`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import click
import msgspec

from taximeter.cli import options
from taximeter.numbers import to_json
from taximeter.report.grid import grid, plain_grid
from taximeter.report.runs import list_runs, run_columns
from taximeter.report.table import table
from taximeter.rundir import OutputDir


@click.command("runs")
@click.option("--limit", "-n", type=click.IntRange(min=1), default=None, help="Only the newest N.")
@options.output_dir
@options.as_json
def command(limit: int | None, output_dir: Path | None, as_json: bool) -> None:
    """List runs, newest first."""
    output = OutputDir(output_dir or Path("output"))
    runs = list_runs(output)[:limit]
    if as_json:
        plain = [{"totals": None, **msgspec.to_builtins(run, builtin_types=(Decimal,))} for run in runs]
        click.echo(to_json({"schema_version": "runs_v1", "runs": plain}))
        return
    if not runs:
        click.echo(f"No runs in {output.path}. `taximeter run RECIPE` makes one.", err=True)
        return
    console = options.console()
    listed = table(run_columns(), runs)
    if console.is_terminal:
        console.print(grid(listed, console.width))
    else:
        click.echo(plain_grid(listed, console.width))
