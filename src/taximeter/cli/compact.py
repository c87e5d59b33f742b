"""`taximeter compact`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.termui import progressbar

from taximeter.cli import options
from taximeter.cli.asking import report_of
from taximeter.cli.extra import extra
from taximeter.numbers import plural, to_json
from taximeter.report.runs import known_runs
from taximeter.rundir import OutputDir, RunDir


@click.command("compact")
@options.output_dir
@options.as_json
def command(output_dir: Path | None, as_json: bool) -> None:
    """Write the tables of finished runs as Parquet, so that questions are answered fast.

    The first question does it itself, and of a run with many calls its end; this is for who does not want to wait for
    it then. Runs that go on are left alone, and nothing else in a run is changed.
    """
    with extra("query", "to write Parquet"):
        from taximeter.query.compact import compact
        from taximeter.query.store import finished
    output = OutputDir(output_dir or Path("output"))
    done: list[RunDir] = finished(output.run(line.run_id) for line in known_runs(output))
    with progressbar(done, label="compacting", file=sys.stderr, hidden=as_json) as runs:
        for run in runs:
            compact(run, report_of)
    if as_json:
        click.echo(to_json({"schema_version": "compact_v1", "compacted": [run.run_id for run in done]}))
    else:
        click.echo(f"{plural(len(done), 'run')} compacted")
