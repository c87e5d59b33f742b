"""What `query`, `top` and `compact` share: the views over all runs, and the report of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from taximeter.cli.extra import extra
from taximeter.numbers import plural
from taximeter.redact import visible
from taximeter.report import json
from taximeter.report.build import build
from taximeter.report.runs import known_runs
from taximeter.rundir import OutputDir, RunDir

if TYPE_CHECKING:
    from taximeter.query.store import Store


def store(output_dir: Path | None) -> Store:
    """Views over all runs of the folder."""
    with extra("query", "to ask runs in SQL"):
        from taximeter.query.store import open_store
    output = OutputDir(output_dir or Path("output"))
    return open_store(output, known_runs(output), report_of)


def report_of(run: RunDir) -> bytes:
    """The report of a run as JSON, made from what its directory tells now."""
    return json.render(build(run)).encode()


def say_left_out(views: Store) -> None:
    """Names runs of which only their line in the manifest is known."""
    if views.left_out:
        names = ", ".join(map(visible, views.left_out[:5])) + (", …" if len(views.left_out) > 5 else "")
        click.echo(f"{plural(len(views.left_out), 'run')} without a directory that can be read: {names}", err=True)
