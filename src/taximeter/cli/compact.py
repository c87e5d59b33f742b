"""`taximeter compact`."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import click
from click.termui import progressbar

from taximeter.cli import options
from taximeter.cli.asking import report_of
from taximeter.cli.extra import extra
from taximeter.errors import TaximeterError
from taximeter.numbers import plural, to_json
from taximeter.report.runs import known_runs
from taximeter.rundir import OutputDir, RunDir


@click.command("compact")
@options.output_dir
@options.as_json
def command(output_dir: Path | None, as_json: bool) -> None:
    """Write the tables of finished runs as Parquet, so that questions are answered fast.

    A run that ends does it itself where the extra `query` is installed; this is for all others. Runs that go on are
    left alone, and nothing else in a run is changed.
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


def compact_if_asked_often(run: RunDir) -> None:
    """Writes the tables of a run that has just ended, where the extra `query` is installed; never an error."""
    if find_spec("duckdb") is None or find_spec("pyarrow") is None or not run.pricing.exists():
        return
    from taximeter.query.compact import compact

    try:
        compact(run, lambda of: of.report_json.read_bytes())
    except (TaximeterError, OSError, ValueError):  # the run has its report; `taximeter compact` says what is wrong
        return
