"""`taximeter estimate`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import click
import msgspec

from taximeter import numbers
from taximeter.cli import options
from taximeter.numbers import plural, to_json
from taximeter.pricing.cost import twelve_places
from taximeter.recipe.options import PlanOptions
from taximeter.recipe.planner import make_plan
from taximeter.redact import brief, visible
from taximeter.report.estimate import Estimate, Guess, StageEstimate, estimate
from taximeter.report.grid import grid
from taximeter.report.side import open_side
from taximeter.report.table import Column, table
from taximeter.rundir import OutputDir


@click.command("estimate")
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--from", "runs", multiple=True, metavar="RUN", required=True, help="A run to foretell from; several are better."
)
@click.option("--items", type=click.IntRange(min=1), required=True, help="How many items the pipeline will begin with.")
@click.option("--registry", type=click.Path(path_type=Path), help="Folder of modules, or one YAML file with all.")
@click.option("--set", "overrides", multiple=True, metavar="STAGE.PARAM=VALUE", help="Set a parameter of a stage.")
@options.output_dir
@options.as_json
def command(
    *,
    recipe: Path,
    runs: tuple[str, ...],
    items: int,
    registry: Path | None,
    overrides: tuple[str, ...],
    output_dir: Path | None,
    as_json: bool,
) -> None:
    """Foretell what RECIPE will take and cost with more items, from runs that are done, stage by stage.

    From runs of different sizes a fixed part and a part per item are told apart; from one size all grows in
    proportion. It says what it assumes, and where the runs do not support it.
    """
    place = OutputDir(output_dir or Path("output"))
    plan = make_plan(recipe, PlanOptions(registry=registry, set=overrides))
    made = estimate(plan, [open_side(run, place) for run in runs], items)
    if as_json:
        click.echo(to_json({"schema_version": "estimate_v1", **msgspec.to_builtins(made)}))
        return
    console = options.console()
    console.print(
        f"{plural(items, 'item')}: wall {_guess(made.wall_seconds, numbers.seconds)}, "
        f"cost {_guess(made.cost, lambda value: _money(value, made.currency))}",
        markup=False,
        soft_wrap=True,
    )
    console.print(f"from {plural(len(runs), 'run')} of {', '.join(f'{size:,}' for size in made.sizes)}\n", markup=False)
    console.print(grid(table(_columns(made), made.stages), console.width))
    for note in (*made.assumptions, *made.doubts):
        console.print(f"• {visible(note)}", markup=False, soft_wrap=True)


def _columns(made: Estimate) -> list[Column[StageEstimate]]:
    column = Column[StageEstimate]
    return [
        column("stage", lambda s: brief(s.stage_id), 100, right=False, narrowest=12),
        column("wall", lambda s: _guess(s.wall_seconds, numbers.seconds), 95),
        column("CPU", lambda s: _guess(s.cpu_seconds, numbers.seconds), 50),
        column("calls", lambda s: _guess(s.calls, _whole), 60),
        column("tokens", lambda s: _guess(s.tokens, _whole), 70),
        column("cost", lambda s: _guess(s.cost, lambda value: _money(value, made.currency)), 99),
    ]


def _whole(value: float) -> str:
    return numbers.count(round(value))


def _money(value: float, currency: str) -> str:
    return numbers.money(twelve_places(Decimal(repr(value))), currency)


def _guess(guess: Guess, text: Callable[[float], str]) -> str:
    """The figure, and the range around it if there is one."""
    if guess.value is None:
        return numbers.UNKNOWN
    value = text(guess.value)
    if guess.low is None or guess.high is None or text(guess.low) == text(guess.high):
        return value
    return f"{value} ({text(guess.low)} to {text(guess.high)})"
