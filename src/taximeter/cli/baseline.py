"""`taximeter baseline`."""

from __future__ import annotations

from pathlib import Path

import click

from taximeter.cli import options
from taximeter.errors import RunDirError
from taximeter.numbers import count, money, seconds, to_json
from taximeter.redact import brief
from taximeter.report.gate import check
from taximeter.report.grid import grid
from taximeter.report.side import Side, baseline, open_side, read_baseline
from taximeter.report.table import Column, table
from taximeter.rundir import OutputDir, replace


@click.group("baseline")
def command() -> None:
    """Keep what other runs are compared with, after the run itself is gone: figures, plan, prices, commit."""


@command.command("save")
@click.argument("name")
@options.run
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write it there.")
@options.output_dir
@options.as_json
def save(name: str, run: str, output: Path | None, output_dir: Path | None, as_json: bool) -> None:
    """Save RUN (the latest one by default) as the baseline NAME, to compare with in `diff` and `check`.

    The file has no calls and no secrets: it can be kept beside the code.
    """
    place = OutputDir(output_dir or Path("output"))
    side = open_side(run, place)
    check(side.report, {}, [side.report], 0.0)  # whatever cannot be a baseline is told now, not when it is needed
    path = output or place.baseline(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, baseline(side))
    if as_json:
        click.echo(to_json({"schema_version": "baseline_saved_v1", "run_id": side.name, "path": str(path)}))
    else:
        click.echo(options.shown(path.resolve()))


@command.command("show")
@click.argument("name", required=False)
@options.output_dir
@options.as_json
def show(name: str | None, output_dir: Path | None, as_json: bool) -> None:
    """Show the baseline NAME (or a file); without one, all that were saved here."""
    place = OutputDir(output_dir or Path("output"))
    if name is not None:
        path = next((path for path in (place.baseline(name), Path(name)) if path.is_file()), None)
        if path is None:
            raise RunDirError(f"there is no baseline {name} in {place.baselines}: `taximeter baseline show` lists them")
        named = {path.stem: read_baseline(path)}
    else:
        named = {path.stem: read_baseline(path) for path in sorted(place.baselines.glob("*.json"))}
    if as_json:
        reports = {key: side.report for key, side in named.items()}
        click.echo(to_json({"schema_version": "baselines_v1", "baselines": reports}))
        return
    if not named:
        click.echo(f"No baselines in {place.baselines}. `taximeter baseline save NAME` makes one.", err=True)
        return
    console = options.console()
    console.print(grid(table(_columns(), list(named.items())), console.width))


def _columns() -> list[Column[tuple[str, Side]]]:
    column = Column[tuple[str, Side]]
    return [
        column("baseline", lambda b: brief(b[0]), 100, right=False),
        column("run", lambda b: brief(b[1].name), 60, right=False),
        column("commit", lambda b: b[1].git.sha[:12] if b[1].git else "-", 50, right=False),
        column("wall", lambda b: seconds(b[1].report.wall_seconds), 90),
        column("calls", lambda b: count(b[1].report.totals.calls), 70),
        column("cost", lambda b: money(b[1].report.totals.cost, b[1].report.pricing.currency), 98),
    ]
