"""`taximeter diff`."""

from __future__ import annotations

from pathlib import Path

import click

from taximeter.cli import options
from taximeter.numbers import to_json
from taximeter.report.diff import compare
from taximeter.report.diff_view import record, view
from taximeter.report.side import open_side
from taximeter.rundir import OutputDir


@click.command("diff")
@click.argument("before", default="latest~1")
@click.argument("now", default="latest")
@options.output_dir
@options.as_json
def command(before: str, now: str, output_dir: Path | None, as_json: bool) -> None:
    """Show two runs side by side: what each stage took and cost, why the cost differs, and what was changed.

    BEFORE and NOW are run ids, `latest` (the default of NOW), `latest~1` (the default of BEFORE), the path of a run
    directory, or the file of a baseline. The difference in cost is split so that it adds up: usage (more of the
    same), price (the same at other prices), and mix (other models, other kinds of tokens).
    """
    output = OutputDir(output_dir or Path("output"))
    comparison = compare(open_side(before, output), open_side(now, output))
    if as_json:
        click.echo(to_json(record(comparison)))
        return
    console = options.console()
    console.print(view(comparison, console.width))
