"""`taximeter serve --collect`: takes events from other processes and machines, and serves the dashboard of them."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from taximeter import settings
from taximeter.cli import options
from taximeter.errors import Interrupted, Problem, SetupError
from taximeter.numbers import count, plural
from taximeter.pricing.builtin import sheet_in
from taximeter.rundir import OutputDir

_ONLY_COLLECTING = frozenset({"tokens_file", "max_body", "lost_after", "fsync", "price_table"})

if TYPE_CHECKING:
    from taximeter.web.access import Access
    from taximeter.web.collect.projects import Tokens
    from taximeter.web.collect.service import Traffic


def tokens_of(path: Path | None) -> Tokens:
    """The tokens of all projects, from a file or the environment; SetupError with everything that is wrong."""
    from taximeter.web.collect.projects import can_be_read_by_all, parse_tokens, read_tokens

    if path is not None:
        tokens = read_tokens(path)
        if can_be_read_by_all(path):
            click.echo(f"{options.shown(path)} can be read by everybody on this machine: chmod 600 it", err=True)
        return tokens
    given = settings.COLLECT_TOKENS.read()
    return parse_tokens(given, settings.COLLECT_TOKENS.name) if given else {}


def refuse_what_only_collecting_does() -> None:
    """SetupError if the command line says how to collect, though nothing is to be."""
    context = click.get_current_context()
    given = [
        parameter.opts[-1]
        for parameter in context.command.params
        if parameter.name in _ONLY_COLLECTING
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise SetupError(Problem("nothing is collected", "say --collect, too", key=", ".join(given)))


def check_one_answer(token: str | None, tokens: Tokens) -> None:
    """SetupError if there are two kinds of tokens, of which only one would open anything."""
    if token and tokens:
        hint = f"leave out --token, and {settings.SERVE_TOKEN.name}: each dashboard opens with a token of its project"
        raise SetupError(Problem("projects have tokens of their own", hint, key="--token"))


def check_reach(host: str, tokens: Tokens) -> None:
    """SetupError if others could send events without being asked who they are."""
    from taximeter.web import server

    if not tokens and not server.is_loopback(host):
        message = f"whoever reaches {host} could send events"
        hint = f"give --tokens FILE, or {settings.COLLECT_TOKENS.name}; or leave --host out to collect on this machine"
        raise SetupError(Problem(message, hint, key="--host"))


def collect(
    output: OutputDir,
    access: Access,
    tokens: Tokens,
    bound: socket.socket,
    ready: Callable[[], Any],
    *,
    price_table: Path | None,
    max_body: int,
    lost_after: float,
    sync: Callable[[int], None],
) -> None:
    """Collects until a signal ends it; `sync` is called with the descriptor of each file that was written."""
    from taximeter.web.collect import service

    collecting = service.Options(
        output=output,
        access=access,
        tokens=tokens,
        sheet=sheet_in(price_table),
        max_body=max_body,
        lost_after=lost_after,
        sync=sync,
    )
    with contextlib.suppress(Interrupted):
        service.serve(collecting, bound, ready, _teller())


def leave_to_kernel(_fd: int) -> None:
    """Leaves it to the kernel when a file is put on the disk: what is written outlives this process."""


def _teller() -> Callable[[Traffic], None]:
    """On a terminal one line that changes says how much comes; elsewhere `/metrics` does."""
    stream = sys.stderr

    def tell(traffic: Traffic) -> None:
        rate = f"{count(round(traffic.per_second))} a second"
        stream.write(f"\r\x1b[K{plural(traffic.events, 'event')}, {rate}; {plural(traffic.runs, 'run')} going on")
        stream.flush()

    def say_nothing(_: Traffic) -> None:
        """Nobody looks."""

    if stream.isatty():
        return tell
    return say_nothing
