"""`taximeter serve`."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from pathlib import Path

import click

from taximeter import settings
from taximeter.cli import collecting, options, quantity
from taximeter.errors import Interrupted, Problem, SetupError
from taximeter.numbers import to_json
from taximeter.rundir import OutputDir

_PORT = 8437


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve at.")
@click.option("--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True, help="0 is any that is free.")
@click.option(
    "--token", envvar=settings.SERVE_TOKEN.name, help=f"What whoever looks has to show; {settings.SERVE_TOKEN.name}."
)
@click.option("--allow-host", multiple=True, metavar="NAME", help="Another name by which browsers may address it.")
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
@click.option(
    "--ship-to", metavar="ADDRESS", help="Send all runs to a warehouse, too: clickhouse://… or chdb://FOLDER."
)
@click.option("--collect", "collected", is_flag=True, help="Take events that other processes and machines send, too.")
@click.option(
    "--tokens",
    "tokens_file",
    type=click.Path(path_type=Path),
    help=f"YAML of lines `project: token`; who sends, and whose folder it is in. {settings.COLLECT_TOKENS.name}.",
)
@click.option(
    "--max-body", type=quantity.size, default="8MiB", show_default=True, metavar="SIZE", help="Largest request."
)
@click.option(
    "--lost-after",
    type=quantity.duration,
    default="90s",
    show_default=True,
    metavar="TIME",
    help="Silence after which a run that has not ended is lost.",
)
@click.option("--fsync", is_flag=True, help="Answer once events would outlive a loss of power, not only this process.")
@click.option("--price-table", type=click.Path(path_type=Path, dir_okay=False), help="Prices what is collected.")
@options.output_dir
@options.as_json
def command(
    *,
    host: str,
    port: int,
    token: str | None,
    allow_host: tuple[str, ...],
    opened: bool,
    ship_to: str | None,
    collected: bool,
    tokens_file: Path | None,
    max_body: int,
    lost_after: float,
    fsync: bool,
    price_table: Path | None,
    output_dir: Path | None,
    as_json: bool,
) -> None:
    """Look at all runs in the browser, also while they go on.

    Serves this machine only, unless --host says otherwise; then a token is asked for. With --json one line tells where
    it answers. With --ship-to runs are sent to a warehouse while they come; one that is away is tried again.

    With --collect it takes events at /v1/events and OTLP at /v1/traces, and tells of them at /metrics; each project
    of --tokens has a folder, a dashboard and figures of its own.
    """
    try:
        from taximeter.web import server
        from taximeter.web.access import Access
    except ModuleNotFoundError as error:
        message = f"the {'collector' if collected else 'dashboard'} needs {error.name}, which is not installed"
        raise SetupError(Problem(message, "pip install 'taximeter[web]'")) from None
    tokens = collecting.tokens_of(tokens_file) if collected else {}
    if collected:
        collecting.check_one_answer(token, tokens)
        collecting.check_reach(host, tokens)
    else:
        collecting.refuse_what_only_collecting_does()
    if not tokens:
        server.check(host, token)
    output = OutputDir((output_dir or Path("output")).absolute())
    names = frozenset(name.lower() for name in (host, socket.gethostname(), *allow_host))
    asks = token or tokens
    access = Access(names if asks else names - {socket.gethostname().lower()}, not server.is_loopback(host), token)
    outputs = {name: OutputDir(output.path / name) for name in tokens} or {"": output}
    shipped = _shipping(outputs, ship_to)
    bound = server.bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{bound.getsockname()[1]}/"

    def ready() -> None:
        if as_json:
            facts = {"address": address, "output_dir": str(output.path)}
            click.echo(to_json({"schema_version": "serve_v1", **facts}))
        else:
            click.echo(f"{address}  the runs in {options.shown(output.path)}; Ctrl-C ends it")
        if opened:
            click.launch(address)

    with contextlib.suppress(Interrupted), shipped:  # which is how it is meant to end
        if collected:
            collecting.collect(
                output,
                access,
                tokens,
                bound,
                ready,
                price_table=price_table,
                max_body=max_body,
                lost_after=lost_after,
                sync=os.fdatasync if fsync else collecting.leave_to_kernel,
            )
        else:
            server.serve(output, access, bound, ready)


def _shipping(outputs: Mapping[str, OutputDir], address: str | None) -> contextlib.AbstractContextManager[object]:
    if address is None:
        return contextlib.nullcontext()
    from taximeter.cli.asking import warehouse_at
    from taximeter.cli.shipping import shipping

    return shipping(outputs, warehouse_at(address))
