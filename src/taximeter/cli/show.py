"""`taximeter show`."""

from __future__ import annotations

from pathlib import Path

import click

from taximeter.cli import options
from taximeter.cli.reports import print_report
from taximeter.report import json
from taximeter.report.build import build
from taximeter.report.loose import EventFiles, build_from_files
from taximeter.report.runs import find_run
from taximeter.rundir import OutputDir


@click.command("show")
@options.run
@options.output_dir
@options.as_json
def command(run: str, output_dir: Path | None, as_json: bool) -> None:
    """Show what a run took and what it cost, as its directory tells it now.

    RUN is a run id, `latest` (the default), `latest~1` for the one before, or the path of a run
    directory, or event files: one, or a pattern such as 'events/*.jsonl'.
    """
    found = find_run(run, OutputDir(output_dir or Path("output")))
    report = build_from_files(found) if isinstance(found, EventFiles) else build(found)
    if as_json:
        click.echo(json.render(report), nl=False)
        return
    print_report(report)
