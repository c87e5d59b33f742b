"""The command line. Each command is imported when it is called."""

from __future__ import annotations

import gc
import signal
import sys
from importlib import import_module
from types import FrameType

import click

import taximeter
from taximeter.cli.failure import page, sentence
from taximeter.cli.streams import open_streams
from taximeter.errors import Interrupted, SetupError, TaximeterError

_COMMANDS = {
    "baseline": "Keep the figures of a run, to compare others with.",
    "check": "Fail if a run took or cost more than it may.",
    "compact": "Write the tables of finished runs as Parquet, for fast questions.",
    "completion": "Print a script that completes commands, options and runs in a shell.",
    "demo": "Run a real pipeline with a real small model, and see what it took and cost.",
    "diff": "Show two runs side by side: what differs, and why.",
    "doctor": "Show what is installed, where runs are, and what they lack.",
    "estimate": "Foretell what a bigger run will take and cost.",
    "exec": "Run any command, and see what it took and cost.",
    "export": "Hand a run to other tools: Perfetto, spreadsheets, FOCUS, OpenTelemetry.",
    "import": "Make runs of what others recorded: OpenTelemetry, JSON lines, Claude Code.",
    "prices": "List prices; show, explain and check them.",
    "proxy": "Record the calls of programs in any language that ask a model through it.",
    "prune": "Remove the directories of old runs.",
    "query": "Ask all runs a question in SQL.",
    "repair": "Tidy up after a run whose processes died.",
    "report": "Make the report of a run: a page to look at, Markdown, or JSON.",
    "reprice": "Show what a run would have cost by other prices.",
    "run": "Run the stages of a recipe.",
    "runs": "List runs, newest first.",
    "serve": "Look at all runs in the browser, also while they go on.",
    "ship": "Send runs to a warehouse: ClickHouse, or an embedded one.",
    "show": "Show what a run took and what it cost.",
    "tail": "Watch a run until it ends.",
    "top": "Show where the money of all runs went.",
    "usage": "Show the usage that a recorded response body tells.",
    "validate": "Check a file against a schema.",
}
"""Name and purpose of each command; the command is `command` in the module of its name."""

_MODULES = {"import": "importing"}
"""Modules that cannot have the name of their command."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        gc.disable()  # all that is imported stays: to look through it again and again takes a tenth of the start
        command: click.Command = import_module(f"taximeter.cli.{_MODULES.get(cmd_name, cmd_name)}").command
        gc.freeze()
        gc.enable()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = "".join(f" Did you mean '{name}'?" for name in get_close_matches(args[0], _COMMANDS, n=1))
            raise click.UsageError(error.message + near, ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(taximeter.__version__, message="taximeter %(version)s")
def cli() -> None:
    """What every stage of an LLM pipeline took and what it cost."""


def main() -> None:
    """Entry point of the command `taximeter`. What a person wrote wrong is one page and exit code 2."""
    open_streams()
    try:
        _unwind_on_signals()
        cli()
    except SetupError as error:
        click.echo(page(error), err=True)
        sys.exit(2)
    except (TaximeterError, OSError) as error:
        click.echo(f"taximeter: {sentence(error)}", err=True)
        sys.exit(2)
    except Interrupted as end:
        click.echo(f"taximeter: {end}", err=True)
        sys.exit(end.exit_code)
    finally:
        gc.freeze()  # to look through all that ends with the process takes longer than many a stage


def _unwind_on_signals() -> None:
    """Lets go of whatever a command holds when a signal ends it; a signal that is ignored, as under nohup, stays so."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)
