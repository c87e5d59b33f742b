"""`taximeter proxy`.

How a program starts it: run `taximeter proxy --json --run-dir DIR` and read one line of its standard output, which
comes when it answers:

    {"schema_version": "proxy_v1", "address": "http://127.0.0.1:40213", "run_id": …, "run_dir": …,
     "environment": {"OPENAI_BASE_URL": "http://127.0.0.1:40213/openai/v1", …, "TAXIMETER_PROXY": …},
     "upstreams": {"openai": "https://api.openai.com/v1", …}}

`environment` is what the metered program gets; for a stage, with `/s/STAGE/a/ATTEMPT` put behind the address. SIGTERM
ends it in good order, with exit code 0; with `--end-with-stdin` the end of its standard input does, too, however who
started it has ended. An exit code 2 before that line tells on standard error what is wrong.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taximeter import settings
from taximeter.cli import options
from taximeter.cli.quantity import budget
from taximeter.errors import Problem, SetupError
from taximeter.numbers import to_json

if TYPE_CHECKING:
    from taximeter.budget import Budget
    from taximeter.proxy.books import Books
    from taximeter.rundir import RunDir

_NEEDS = ("uvicorn", "httpx", "brotli")
_RUN = "Name of the run [default: taximeter, the time and six random digits]."
_DRAIN = "Seconds that requests on their way get when it ends."


@click.command("proxy")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0, the default, takes a free one.")
@click.option("--run-id", help=_RUN)
@options.output_dir
@click.option("--run-dir", type=click.Path(path_type=Path), help="Write to this run, which another command has begun.")
@click.option("--upstream", "named", multiple=True, metavar="NAME=URL", help="A server to forward to, as /NAME/…")
@click.option(
    "--ask-usage/--no-ask-usage",
    default=True,
    envvar=settings.ASK_USAGE.name,
    help=f"Make streamed chats tell their usage [default: yes; {settings.ASK_USAGE.name}].",
)
@click.option("--price-table", type=click.Path(path_type=Path, dir_okay=False), help="The price sheet.")
@click.option(
    "--budget",
    type=budget,
    envvar=settings.BUDGET.name,
    help="What calls may spend: 5.00, or cost=5.00,tokens=1000000,calls=500; then they are answered with 429.",
)
@click.option("--upstream-timeout", type=click.FloatRange(min=0.1), default=600, show_default=True, help="Seconds.")
@click.option("--drain", type=click.FloatRange(min=0), default=10, show_default=True, help=_DRAIN)
@click.option("--end-with-stdin", is_flag=True, help="End when the standard input ends.")
@options.as_json
def command(
    *,
    host: str,
    port: int,
    run_id: str | None,
    output_dir: Path | None,
    run_dir: Path | None,
    named: tuple[str, ...],
    ask_usage: bool,
    price_table: Path | None,
    budget: Budget | None,
    upstream_timeout: float,
    drain: float,
    end_with_stdin: bool,
    as_json: bool,
) -> None:
    """Record the calls of programs in any language that ask a model through it.

    Let OPENAI_BASE_URL, ANTHROPIC_BASE_URL or GOOGLE_GEMINI_BASE_URL be the address that it prints. It forwards
    requests and answers as they are, and writes down what they used. Ends with SIGINT or SIGTERM.
    """
    if run_dir is not None and (run_id or price_table):
        raise click.UsageError("--run-dir names a run that has its id and its prices already")
    _require_extra()
    from taximeter.proxy.books import open_books
    from taximeter.proxy.server import Options, address, listen, serve
    from taximeter.proxy.upstreams import check_no_loop, environment, upstreams

    known = upstreams(named)
    how = Options(known, ask_usage, upstream_timeout, drain, end_with_stdin)
    with listen(host, port) as listening:
        here = address(listening)
        check_no_loop(here, known)
        books = open_books(run_dir, run_id, output_dir, price_table, budget)

        def tell() -> None:
            if as_json:
                facts = {"address": here, "run_id": books.run_id, "run_dir": _path(books)}
                told = {"environment": environment(here, known), "upstreams": {n: u.url for n, u in known.items()}}
                click.echo(to_json({"schema_version": "proxy_v1", **facts, **told}))
            else:
                click.echo(f"proxy at {here}, run {books.run_id}")

        own = books.home.run if books.home.lock is not None else None
        try:
            serve(listening, books, how, tell)
        finally:
            books.close()
    if own is not None:
        _report(own, as_json)


def _report(run: RunDir, as_json: bool) -> None:
    """The report files of a run that the proxy has begun itself, and a look at them for a person."""
    from taximeter.report import html, json, markdown, terminal
    from taximeter.report.attached import attached
    from taximeter.report.build import build
    from taximeter.rundir import replace

    report = build(run)
    replace(run.report_json, json.render(report).encode())
    replace(run.report_md, markdown.render(report).encode())
    replace(run.report_html, html.render(report, attached(run, report.stages)).encode())
    if not as_json:
        console = options.console()
        console.print(terminal.report_view(report, console.width))
        click.echo(f"run directory: {options.shown(run.path)}", err=True)


def _path(books: Books) -> str | None:
    """The run directory, as far as JSON can say it."""
    return None if books.home.run is None else os.fsencode(books.home.run.path).decode(errors="backslashreplace")


def _require_extra() -> None:
    missing = [name for name in _NEEDS if find_spec(name) is None]
    if missing:
        raise SetupError(
            Problem(
                f"the proxy needs {', '.join(missing)}, which is not installed", hint="pip install 'taximeter[web]'"
            )
        )
