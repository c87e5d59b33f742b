"""`taximeter exec`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from taximeter.budget import NO_BUDGET, Budget
from taximeter.cli import options
from taximeter.errors import Interrupted
from taximeter.redact import visible
from taximeter.run.exec import ExecOptions, Executed, run_command


def _budget(text: str) -> Budget:
    from taximeter.cli.quantity import budget  # loads pydantic, for which no other command should wait

    return budget(text)


@click.command("exec", context_settings={"allow_interspersed_args": False}, options_metavar="[OPTIONS] --")
@click.argument("command_line", metavar="COMMAND [ARGS]...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--run-id", help="Name of the run [default: the program's name, the time and six random digits].")
@click.option("--price-table", type=click.Path(path_type=Path, dir_okay=False), help="The price sheet.")
@options.output_dir
@click.option(
    "--capture/--no-capture", default=True, help="Record the calls of SDKs in Python processes [default: yes]."
)
@click.option("--proxy", is_flag=True, help="Record the calls of programs in any language: they ask through a proxy.")
@click.option(
    "--budget",
    type=_budget,
    metavar="BUDGET",
    help="What it may spend: 5.00, or cost=5.00,tokens=1000000,calls=500,wall=30m.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing at the end.")
@options.as_json
def command(
    command_line: tuple[str, ...],
    run_id: str | None,
    price_table: Path | None,
    output_dir: Path | None,
    capture: bool,
    proxy: bool,
    budget: Budget | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run any COMMAND as it is, and show what it took and cost.

    It has the standard streams and the terminal, and its exit code is the exit code here: 128 + N if signal N ended
    it, 127 if it is not found, 126 if it cannot be run, 125 if its end is not known, 3 if its budget is used up. What
    is told goes to the standard error.
    """
    chosen = ExecOptions(
        command=command_line,
        run_id=run_id,
        output_dir=output_dir,
        price_table=price_table,
        capture="proxy" if proxy else "auto" if capture else "off",
        budget=budget or NO_BUDGET,
    )
    executed = run_command(chosen, _silence if quiet else _warn)
    if executed.spawn_error:
        click.echo(f"taximeter: {visible(executed.spawn_error)}", err=True)
    elif not quiet:
        _tell(executed, as_json)
    if not executed.spawn_error:
        from taximeter.cli.tables import compact_if_large

        compact_if_large(executed.run, executed.report.totals.calls)
    sys.exit(executed.exit_code)


def _warn(message: str) -> None:
    """To whoever still listens, while the command runs."""
    try:
        click.echo(f"taximeter: {visible(message)}", err=True)
    except OSError:
        options.nobody_listens()


def _silence(message: str) -> None:
    """Nothing is to be said."""


def _tell(executed: Executed, as_json: bool) -> None:
    """The report, to whoever still listens: the exit code is the command's."""
    from taximeter.cli.reports import print_report
    from taximeter.report import json

    try:
        if as_json:
            click.echo(json.render(executed.report), err=True, nl=False)
            return
        click.echo(err=True)
        print_report(executed.report, sys.stderr)
        click.echo(f"run directory: {options.shown(executed.run.path)}", err=True)
        if executed.trouble:
            click.echo(f"some files of the run could not be written: {visible(executed.trouble)}", err=True)
    except (OSError, SystemExit, Interrupted):
        options.nobody_listens()
