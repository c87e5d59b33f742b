"""`taximeter prune`."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec

from taximeter.cli import options
from taximeter.cli.quantity import duration
from taximeter.numbers import plural, size, to_json
from taximeter.redact import visible
from taximeter.report.grid import grid
from taximeter.report.prune import OldRun, old_runs, remove
from taximeter.report.table import Column, table
from taximeter.report.wording import local_minute
from taximeter.rundir import OutputDir


@click.command("prune")
@click.option("--keep", type=duration, required=True, help="Runs that ended within this time stay: 12h, 30d.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@options.output_dir
@options.as_json
def command(keep: float, yes: bool, dry_run: bool, output_dir: Path | None, as_json: bool) -> None:
    """Remove the directories of old runs; asks first, and never touches a run that goes on.

    Their lines in the manifest stay, with cost and time. Saved baselines stay, too.
    """
    output = OutputDir(output_dir or Path("output"))
    found = old_runs(output, time.time() - keep)
    if as_json and not (yes or dry_run):
        raise click.UsageError("with --json nobody is asked: give --yes or --dry-run")
    if not as_json:
        _show(found)
    if found and not (yes or dry_run):
        click.confirm(f"Remove {plural(len(found), 'run')}?", abort=True)
    gone = [] if dry_run else remove(output, found)
    if as_json:
        plain = {"found": msgspec.to_builtins(found), "removed": [run.run_id for run in gone]}
        click.echo(to_json({"schema_version": "prune_v1", **plain}))
    elif gone:
        click.echo(f"{plural(len(gone), 'run')} removed, {size(sum(run.size_bytes for run in gone))} freed")


def _show(found: list[OldRun]) -> None:
    if not found:
        click.echo("No run is that old.")
        return
    column = Column[OldRun]
    columns = [
        column("run", lambda run: visible(run.run_id), 100, right=False),
        column("ended", lambda run: local_minute(run.ended_at), 90, right=False),
        column("size", lambda run: size(run.size_bytes), 80),
    ]
    console = options.console()
    console.print(grid(table(columns, found), console.width))
