"""`taximeter tail`."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console

from taximeter.cli import options
from taximeter.numbers import seconds, to_json
from taximeter.redact import visible
from taximeter.report import terminal
from taximeter.report.build import Books, open_books
from taximeter.report.loose import EventFiles
from taximeter.report.records import RunInstrumentation
from taximeter.report.runs import find_run
from taximeter.report.wording import name
from taximeter.run.live import LiveTable
from taximeter.rundir import OutputDir

_EVERY = 0.5
"""Seconds between two looks."""


@click.command("tail")
@options.run
@options.output_dir
@options.as_json
def command(run: str, output_dir: Path | None, as_json: bool) -> None:
    """Watch a run until it ends, from any terminal: its table, live; elsewhere a line for each step.

    At the end the report is printed. With --json a report is printed whenever something has changed, one a line.
    To stop watching (Ctrl-C) does nothing to the run.
    """
    found = find_run(run, OutputDir(output_dir or Path("output")))
    if isinstance(found, EventFiles):
        raise click.UsageError("event files are no run: `taximeter show` shows them")
    books = open_books(found)
    if as_json:
        _follow(books, _Printed().look)
        return
    screen = Console(stderr=True, highlight=False, emoji=False)
    if screen.is_terminal:
        with closing(LiveTable(screen)) as live:
            report = _follow(books, live.look)
    else:
        report = _follow(books, _Steps().look)
    console = options.console()
    console.print(terminal.report_view(report, console.width))


def _follow(books: Books, look: Callable[[RunInstrumentation], None]) -> RunInstrumentation:
    """Looks until the run ends; gives the last report."""
    while books.run.is_held():
        books.ledger.poll()
        look(books.report())
        time.sleep(_EVERY)
    books.ledger.finish()
    report = books.report()
    look(report)
    return report


class _Printed:
    """Each report that is not as the one before."""

    def __init__(self) -> None:
        self._last = b""

    def look(self, report: RunInstrumentation) -> None:
        text = to_json(report)
        if text != self._last:
            self._last = text
            click.echo(text)


class _Steps:
    """A line for each stage whose status is not what it was."""

    def __init__(self) -> None:
        self._known: dict[str | None, str] = {}

    def look(self, report: RunInstrumentation) -> None:
        for stage in report.stages:
            if self._known.get(stage.id, "pending") != stage.status:
                self._known[stage.id] = stage.status
                took = "" if stage.status == "running" else f" after {seconds(stage.wall_seconds)}"
                error = next((attempt.error for attempt in reversed(stage.attempts) if attempt.error), None)
                reason = f": {visible(error)}" if error and stage.status != "running" else ""
                click.echo(f"{name(stage)}: {stage.status}{took}{reason}", err=True)
