"""`taximeter repair`."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from taximeter.cli import options
from taximeter.numbers import to_json
from taximeter.redact import visible
from taximeter.report.dead import Repair
from taximeter.report.grid import grid
from taximeter.report.repair import repair, summary
from taximeter.report.runs import find_run
from taximeter.report.table import Column, table
from taximeter.rundir import OutputDir


@click.command("repair")
@options.run
@options.output_dir
@options.as_json
def command(run: str, output_dir: Path | None, as_json: bool) -> None:
    """Tidy up after a run whose driver or processes died: close their files, make its reports and its entry anew.

    No figure changes: every reader understands the files as they are. A file whose process still runs, or is of another
    machine, is left alone.
    """
    report, done = repair(find_run(run, OutputDir(output_dir or Path("output"))))
    if as_json:
        plain = {"run_id": report.run_id, "status": report.status, "repairs": msgspec.to_builtins(done)}
        click.echo(to_json({"schema_version": "repair_v1", **plain}))
        return
    console = options.console()
    if done:
        console.print(grid(table(_columns(), done), console.width))
    console.print(f"{visible(report.run_id)} {report.status}: {summary(done)}", markup=False, soft_wrap=True)


def _columns() -> list[Column[Repair]]:
    column = Column[Repair]
    return [
        column("file", lambda r: visible(r.path), 100, right=False),
        column("", lambda r: r.action, 99, right=False),
        column("because", lambda r: visible(r.why), 90, right=False, narrowest=20),
    ]
