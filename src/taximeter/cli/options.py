"""Options and arguments that several commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from taximeter import settings
from taximeter.redact import visible

if TYPE_CHECKING:
    from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class _Folder(click.Path):
    """A folder by its name: an empty one, as an unset variable of a shell leaves it, would be the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not os.fspath(value):
            self.fail("the name of the folder is empty", param, ctx)
        return super().convert(value, param, ctx)


_output_dir = click.option(
    "--output-dir",
    envvar=settings.OUTPUT_DIR.name,
    type=_Folder(path_type=Path, file_okay=False),
    help=f"The folder that holds the manifest and all runs [default: output; {settings.OUTPUT_DIR.name}].",
)


def output_dir(command: F) -> F:
    """Adds `--output-dir`."""
    return _output_dir(command)


def complete_run(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Run ids, newest first, for the shell."""
    from taximeter.report.runs import known_runs
    from taximeter.rundir import OutputDir

    folder = ctx.params.get("output_dir") or Path(settings.OUTPUT_DIR.read() or "output")
    names = ["latest", *(line.run_id for line in known_runs(OutputDir(folder)))]
    return [name for name in names if name.startswith(incomplete)]


def run(command: F) -> F:
    """Adds the argument RUN: the latest run, unless another one is named."""
    return click.argument("run", default="latest", shell_complete=complete_run)(command)


def console(stream: TextIO | None = None) -> Console:
    """Where results go, the standard output by default: as wide as the terminal or COLUMNS says, else 100 columns."""
    from rich.console import Console

    file = stream or sys.stdout
    told = file.isatty() or "COLUMNS" in os.environ
    return Console(file=file, width=None if told else 100, highlight=False, emoji=False)


def nobody_listens() -> None:
    """Leads the standard streams to nowhere: what is left in their buffers would change the exit code."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nobody, stream.fileno())


def shown(path: Path) -> str:
    """A path as a person would type it here, and with nothing in it that a terminal would obey."""
    here = Path.cwd()
    return visible(str(path.relative_to(here) if path.is_relative_to(here) else path))
