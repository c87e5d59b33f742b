"""The report of a run, told to a person."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

from taximeter.cli import options

if TYPE_CHECKING:
    from taximeter.report.records import RunInstrumentation

_ASKED_FOR = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
"""Variables by which a person says that something is a terminal."""


def may_be_coloured(stream: TextIO) -> bool:
    """Whether rich is worth asking how it writes there: it would take longer to load than a small run."""
    return stream.isatty() or any(name in os.environ for name in _ASKED_FOR)


def print_report(report: RunInstrumentation, stream: TextIO | None = None) -> None:
    """The report as wide as there is room, with colours on a terminal; to the standard output, if nothing is named."""
    from taximeter.report import terminal  # a run that begins does not wait for it

    file = stream or sys.stdout
    if may_be_coloured(file):
        console = options.console(file)
        console.print(terminal.report_view(report, console.width))
        return
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdigit() and int(columns) else 100
    click.echo(terminal.render(report, width), file=file, nl=False)
