"""`taximeter reprice`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import click

from taximeter.cli import options
from taximeter.cli.prices import at_date, price_table, seconds
from taximeter.errors import Problem, SetupError
from taximeter.numbers import money, percent, plural, to_json
from taximeter.pricing.builtin import sheet_in
from taximeter.pricing.sheet import read_sheet
from taximeter.redact import brief
from taximeter.report.grid import grid
from taximeter.report.reprice import Repriced, StageCosts, reprice
from taximeter.report.runs import find_run
from taximeter.report.table import Column, table
from taximeter.report.wording import cost
from taximeter.rundir import OutputDir


@click.command("reprice")
@options.run
@price_table
@click.option("--map", "renames", multiple=True, metavar="OLD=NEW", help="Price the calls of a model as another's.")
@at_date
@options.output_dir
@options.as_json
def command(
    run: str,
    price_table: Path | None,
    renames: tuple[str, ...],
    at: datetime | None,
    output_dir: Path | None,
    as_json: bool,
) -> None:
    """Show what a finished run would have cost by another sheet, another model, or at another date, stage by stage.

    Without --price-table the run's own sheet is used. Nothing of the run is changed.
    """
    where = find_run(run, OutputDir(output_dir or Path("output")))
    own = read_sheet(where.pricing) if where.pricing.exists() else None
    sheet = own if price_table is None and own is not None else sheet_in(price_table)
    result = reprice(where, sheet, _mapping(renames), None if at is None else seconds(at))
    if sheet.on_unknown == "error" and result.unpriced:
        names = ", ".join(map(brief, result.unpriced))
        raise SetupError(Problem(f"the sheet has no price of {names}", "add it, or say `on_unknown: unpriced`"))
    if as_json:
        click.echo(to_json(_record(result)))
        return
    console = options.console()
    console.print(grid(table(_columns(result), [*result.stages, result.run]), console.width))
    if result.unpriced:
        names = ", ".join(map(brief, result.unpriced))
        console.print(
            f"{plural(len(result.unpriced), 'model')} without a price: {names}.", markup=False, soft_wrap=True
        )
    console.print(f"Sheet {result.old_sheet_id[:12]}, then {result.new_sheet_id[:12]}.", soft_wrap=True)


def _mapping(renames: tuple[str, ...]) -> dict[str, str]:
    pairs = [rename.partition("=") for rename in renames]
    for old, _, new in pairs:
        if not old or not new:
            raise SetupError(Problem(f"--map {brief(old)} does not say which model it becomes", "write --map OLD=NEW"))
    return {old: new for old, _, new in pairs}


def _change(costs: StageCosts) -> str:
    before, after = costs.before.cost, costs.after.cost
    if before is None or after is None:
        return "-"
    sign = "+" if after >= before else "-"
    return (
        f"{sign}{percent(float(abs(after - before)), float(before))}" if before else sign + money(abs(after - before))
    )


def _columns(result: Repriced) -> list[Column[StageCosts]]:
    column = Column[StageCosts]
    return [
        column("stage", lambda s: brief(s.name), 100, right=False, narrowest=16),
        column("calls", lambda s: f"{s.before.calls:,}", 50),
        column("did cost", lambda s: cost(s.before, result.old_currency), 99),
        column("would cost", lambda s: cost(s.after, result.new_currency), 98),
        column("change", _change, 90),
    ]


def _record(result: Repriced) -> dict[str, object]:
    def costs(of: StageCosts) -> dict[str, Decimal | str | int | None]:
        return {
            "calls": of.before.calls,
            "cost": of.before.cost,
            "cost_status": of.before.cost_status,
            "repriced": of.after.cost,
            "repriced_status": of.after.cost_status,
        }

    return {
        "schema_version": "reprice_v1",
        "sheet_id": result.old_sheet_id,
        "repriced_sheet_id": result.new_sheet_id,
        "currency": result.old_currency,
        "repriced_currency": result.new_currency,
        "stages": [{"id": stage.stage_id, **costs(stage)} for stage in result.stages],
        "run": costs(result.run),
        "unpriced": result.unpriced,
    }
