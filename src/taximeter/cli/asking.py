"""What `query`, `top` and `compact` share: the views over all runs, and the report of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from taximeter.cli.extra import extra
from taximeter.cli.tables import compact_what_can_be
from taximeter.numbers import plural
from taximeter.redact import visible
from taximeter.report import json
from taximeter.report.build import build
from taximeter.report.runs import known_runs
from taximeter.rundir import OutputDir, RunDir

if TYPE_CHECKING:
    from taximeter.query.store import Store


def store(output_dir: Path | None) -> Store:
    """Views over all runs of the folder; those that are finished and have no tables get them."""
    with extra("query", "to ask runs in SQL"):
        from taximeter.query.store import finished, open_store
    output = OutputDir(output_dir or Path("output"))
    lines = list(known_runs(output))
    compact_what_can_be(finished(output.run(line.run_id) for line in lines), report_of)
    return open_store(output, lines, report_of)


def report_of(run: RunDir) -> bytes:
    """The report of a run as JSON, made from what its directory tells now."""
    return json.render(build(run)).encode()


def say_left_out(views: Store) -> None:
    """Names runs of which only their line in the manifest is known."""
    if views.left_out:
        names = ", ".join(map(visible, views.left_out[:5])) + (", …" if len(views.left_out) > 5 else "")
        click.echo(f"{plural(len(views.left_out), 'run')} without a directory that can be read: {names}", err=True)
