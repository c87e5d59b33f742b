"""`taximeter serve`."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import click

from taximeter import settings
from taximeter.cli import options
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
    output_dir: Path | None,
    as_json: bool,
) -> None:
    """Look at all runs in the browser, also while they go on.

    Serves this machine only, unless --host says otherwise; then a token is asked for. With --json one line tells where
    it answers. With --ship-to runs are sent to a warehouse while they come; one that is away is tried again.
    """
    try:
        from taximeter.web import server
        from taximeter.web.access import Access
    except ModuleNotFoundError as error:
        message = f"the dashboard needs {error.name}, which is not installed"
        raise SetupError(Problem(message, "pip install 'taximeter[web]'")) from None
    server.check(host, token)
    output = OutputDir((output_dir or Path("output")).absolute())
    names = frozenset(name.lower() for name in (host, socket.gethostname(), *allow_host))
    access = Access(names if token else names - {socket.gethostname().lower()}, not server.is_loopback(host), token)
    shipped = _shipping(output, ship_to)
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
        server.serve(output, access, bound, ready)


def _shipping(output: OutputDir, address: str | None) -> contextlib.AbstractContextManager[object]:
    if address is None:
        return contextlib.nullcontext()
    from taximeter.cli.asking import warehouse_at
    from taximeter.cli.shipping import shipping

    return shipping({"": output}, warehouse_at(address))
