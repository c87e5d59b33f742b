"""`taximeter run`."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from taximeter.cli import options
from taximeter.cli.quantity import budget
from taximeter.cli.reports import may_be_coloured, print_report
from taximeter.cli.tables import compact_if_large
from taximeter.clock import SystemClock
from taximeter.errors import Interrupted
from taximeter.recipe.plan import Capture
from taximeter.redact import visible, without_secrets
from taximeter.run.begin import run_recipe
from taximeter.run.options import RunOptions

if TYPE_CHECKING:
    from taximeter.run.observer import Observer
    from taximeter.run.outcome import Outcome

_TAIL_BYTES = 4096
_TAIL_LINES = 12
_JOBS = "Stages and shards at a time; one that takes several CPUs counts as so many."
_CAPTURE = "Record the calls that stages do not tell: in Python, or through a proxy [default: auto]."
_file = click.Path(path_type=Path, dir_okay=False)


@click.command("run")
@click.argument("recipe", type=_file, required=False)
@click.option("--recipe", "recipe_option", type=_file, help="The recipe, for those who like it as an option.")
@click.option("--config", type=_file, help="A run configuration; flags override what it says.")
@click.option("--settings", type=_file, help="Keys of a recipe, laid over the recipe.")
@click.option("--instrument/--no-instrument", default=None, help="Meter the stages, or do not.")
@click.option("--instrument-config", type=_file, help="A file with an `instrumentation:` block.")
@click.option("--price-table", type=_file, help="The price sheet.")
@click.option("--capture", type=click.Choice(get_args(Capture)), help=_CAPTURE)
@click.option("--registry", type=click.Path(path_type=Path), help="Folder of modules, or one YAML file with all.")
@click.option(
    "--budget", type=budget, help="What the run may spend: 5.00, or cost=5.00,tokens=1000000,calls=500,wall=30m."
)
@click.option("--run-id", help="Name of the run [default: the recipe's name, the time and six random digits].")
@options.output_dir
@click.option("--skip-done/--no-skip-done", default=None, help="Go on in a run: stages that have not changed stay.")
@click.option("--resume", metavar="RUN", help="Take over what has not changed from another run (an id, `latest`).")
@click.option("--start-from", metavar="STAGE", help="Go on in a run: this stage again, and all that depends on it.")
@click.option("--keep-downstream/--no-keep-downstream", default=None, help="What depends on it stays, marked stale.")
@click.option("--end-at", metavar="STAGE", help="Run only this stage and what it needs.")
@click.option("--allow-run-id-reuse/--no-allow-run-id-reuse", default=None, help="Run all stages of a run again.")
@click.option("--force/--no-force", default=None, help="Discard a run of that id first, and start over.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), help=_JOBS)
@click.option("--executor", metavar="NAME", help="Who runs the stages: local, dask, ray, … [default: local].")
@click.option("--address", metavar="URL", help="Where the executor is [default: it is started on this machine].")
@click.option("--files", metavar="URL", help="Where inputs and artifacts pass through, if nodes share no folder.")
@click.option("--keep-going/--no-keep-going", "-k", default=None, help="Run all that does not need what failed.")
@click.option("--strict/--no-strict", default=None, help="Exit with 4 if figures are incomplete.")
@click.option("--mock/--no-mock", default=None, help="Run the stand-ins of modules that have one.")
@click.option("--validate/--no-validate", default=None, help="Stamp and check the rows of artifacts [default: yes].")
@click.option("--set", "overrides", multiple=True, metavar="STAGE.PARAM=VALUE", help="Set a parameter of a stage.")
@click.option("--dry-run", is_flag=True, help="Print the commands and what would be reused; touch nothing.")
@click.option("--dump-plan", is_flag=True, help="Print the plan as JSON; touch nothing.")
@options.as_json
def command(
    *,
    recipe: Path | None,
    recipe_option: Path | None,
    config: Path | None,
    dry_run: bool,
    dump_plan: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Run the stages of RECIPE, and with --instrument show what each took and cost.

    Exit codes: 0 done, 1 a stage failed, 2 the recipe or the command line is wrong, 3 the budget is used up, 4 figures
    are incomplete (--strict), 129, 130 or 143 ended by a signal.
    """
    if recipe and recipe_option:
        raise click.UsageError("name one recipe")
    given = RunOptions(recipe=recipe_option or recipe, **flags)
    chosen = _over_config(given, config) if config else given
    if dry_run and dump_plan:
        raise click.UsageError("--dry-run and --dump-plan are two ways to look first: give one of them")
    if dump_plan:
        from taximeter.run.prepare import prepare

        click.echo(prepare(chosen).checked.plan.snapshot(), nl=False)
        return
    if dry_run:
        _rehearse(chosen, as_json)
        return
    outcome = run_recipe(chosen, watch())
    tell(outcome, as_json)
    compact_if_large(outcome.run, outcome.report.totals.calls)
    sys.exit(outcome.exit_code)


def watch() -> Callable[[], Observer]:
    """A live table on a terminal, a line for each event elsewhere; both on standard error."""
    if not may_be_coloured(sys.stderr):
        return _lines
    from rich.console import Console

    from taximeter.run.live import LiveTable

    console = Console(stderr=True, highlight=False, emoji=False)
    return (lambda: LiveTable(console)) if console.is_terminal else _lines


def _lines() -> Observer:
    from taximeter.run.lines import Lines

    return Lines(sys.stderr, SystemClock())


def _over_config(given: RunOptions, config: Path) -> RunOptions:
    from taximeter.run.config import read_config  # most runs have none

    return given.over(read_config(config))


def _rehearse(chosen: RunOptions, as_json: bool) -> None:
    from taximeter.cli.steps import steps_json, steps_text
    from taximeter.run.rehearsal import rehearse

    click.echo(steps_json(rehearse(chosen)) if as_json else steps_text(rehearse(chosen)))


def tell(outcome: Outcome, as_json: bool) -> None:
    """The report of a run that is over, and where it lies, to whoever still listens."""
    try:
        _report(outcome, as_json)
        _afterword(outcome)
        sys.stdout.flush()
    except (
        OSError,
        SystemExit,
        Interrupted,
    ):  # rich ends the process at a broken pipe; the exit code speaks for the run
        options.nobody_listens()


def _report(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        from taximeter.report import json

        click.echo(json.render(outcome.report), nl=False)
    else:
        print_report(outcome.report)


def _afterword(outcome: Outcome) -> None:
    for log in outcome.failed_logs():
        if lines := _last_lines(log):
            click.echo(f"-- the end of {options.shown(log)}", err=True)
            click.echo("\n".join(visible(without_secrets(line)) for line in lines), err=True)
    click.echo(f"run directory: {options.shown(outcome.run.path)}", err=True)
    for gap in outcome.incomplete:
        click.echo(f"incomplete: {visible(gap)}", err=True)
    if outcome.trouble:
        click.echo(f"some files of the run could not be written: {visible(outcome.trouble)}", err=True)


def _last_lines(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(file.seek(0, io.SEEK_END) - _TAIL_BYTES, 0))
            return file.read().decode(errors="backslashreplace").splitlines()[-_TAIL_LINES:]
    except FileNotFoundError:
        return []
