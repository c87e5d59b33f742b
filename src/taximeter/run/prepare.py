"""All that is settled before a run directory is touched: the plan, the price sheet, and which run it is."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from taximeter.budget import NO_BUDGET
from taximeter.errors import Problem, SetupError
from taximeter.pricing.builtin import sheet_in
from taximeter.pricing.sheet import Sheet
from taximeter.recipe.lookup import is_utf_8
from taximeter.recipe.model import InstrumentationBlock
from taximeter.recipe.options import PlanOptions
from taximeter.recipe.plan import Plan
from taximeter.recipe.planner import Checked, check
from taximeter.recipe.rowschema import SchemaTable
from taximeter.redact import hide_named
from taximeter.report.runs import find_run, known_runs
from taximeter.run.choice import check_range
from taximeter.run.moneycheck import check_money
from taximeter.run.opening import check_flags, check_named
from taximeter.run.options import RunOptions
from taximeter.run.rowclass import look_at_class
from taximeter.rundir import OutputDir, RunDir, check_run_id, new_run_id


class Prepared(msgspec.Struct, frozen=True):
    """A run that could begin."""

    options: RunOptions
    checked: Checked
    sheet: Sheet | None
    """None if nothing is metered."""

    output: OutputDir
    run: RunDir
    """Its directory, which need not exist."""

    resumed: RunDir | None
    """The run from which stages are taken over."""


def prepare(options: RunOptions) -> Prepared:
    """Checks all that a person wrote; SetupError with all that is wrong, RunDirError if there is no run to resume."""
    check_flags(options)
    if options.recipe is None:
        hint = "name one, or give a --config that does: taximeter run recipe.yaml"
        raise SetupError(Problem("there is no recipe to run", hint))
    hide_named(os.environ)
    checked = check(options.recipe, _plan_options(options))
    plan = checked.plan
    for stage in plan.stages:
        hide_named(stage.env)
    table = plan.instrumentation.price_table
    sheet = sheet_in(None if table is None else Path(table)) if plan.instrumentation.enabled else None
    check_money(plan, sheet)
    # Absolute, since a stage may go wherever it likes.
    output = OutputDir((options.output_dir or Path(plan.output_dir or "output")).absolute())
    _check_place(options, plan, output)
    asked = plan.run_id if options.run_id is None else options.run_id
    if asked is None:
        check_named(options, lambda: _latest(output, plan.recipe_name))
    run = output.run(new_run_id(plan.recipe_name, datetime.now(UTC)) if asked is None else check_run_id(asked))
    check_range(plan, options, run)
    _check_sheet(options, sheet, run)
    return Prepared(options, checked, sheet, output, run, _resumed(options, output, run))


def _check_place(options: RunOptions, plan: Plan, output: OutputDir) -> None:
    """Whoever checks rows is told by JSON where they are."""
    if options.validate is False or not any(stage.output_schema for stage in plan.stages):
        return
    if not is_utf_8(str(output.path)):
        hint = "name another one with --output-dir, or give --no-validate"
        raise SetupError(Problem("the whole path of the folder of runs is not UTF-8, so no rows can be checked", hint))


def _latest(output: OutputDir, recipe: str) -> str | None:
    """Id of the latest run of the recipe."""
    return next((line.run_id for line in known_runs(output) if line.recipe == recipe), None)


def _resumed(options: RunOptions, output: OutputDir, run: RunDir) -> RunDir | None:
    if options.resume is None:
        return None
    found = find_run(options.resume, output)
    if found.path.absolute() == run.path:
        hint = "give --skip-done to go on in it, or another --run-id"
        raise SetupError(Problem("a run cannot be resumed from itself", hint, key=f"--resume {options.resume}"))
    return found


def _check_sheet(options: RunOptions, sheet: Sheet | None, run: RunDir) -> None:
    """A run is priced by one sheet: the one it began with."""
    if options.price_table is None or options.force or sheet is None or not run.pricing.exists():
        return
    if run.pricing.read_bytes() != sheet.encoded:
        hint = "leave it out to keep that sheet, or give --force or another --run-id"
        message = f"the run {run.run_id} began with another price sheet, and has one only"
        raise SetupError(Problem(message, hint, key=f"--price-table {options.price_table}"))


def _plan_options(options: RunOptions) -> PlanOptions:
    flags: dict[str, Any] = {}
    if options.instrument is not None:
        flags["enabled"] = options.instrument
    if options.price_table is not None:
        flags["price_table"] = str(options.price_table)
    if options.capture is not None:
        flags["capture"] = options.capture
    return PlanOptions(
        mock=bool(options.mock),
        jobs=options.jobs or 1,
        schemas=SchemaTable(_formats) if options.validate is False else SchemaTable(_formats, look_at_class),
        set=options.overrides,
        registry=options.registry,
        settings=options.settings,
        config=options.instrumentation,
        instrument_config=options.instrument_config,
        instrumentation=InstrumentationBlock(**flags) if flags else None,
        budget=options.budget or NO_BUDGET,
    )


def _formats() -> Collection[str]:
    from taximeter.report.records import FORMATS  # few modules name one

    return FORMATS
