"""`taximeter top`."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from taximeter import numbers
from taximeter.cli import asking, options
from taximeter.cli.asking import say_left_out, store
from taximeter.cli.quantity import duration
from taximeter.numbers import to_json
from taximeter.redact import brief
from taximeter.report.grid import grid
from taximeter.report.table import Column, table

if TYPE_CHECKING:
    from taximeter.query.top import Row

_KEYS = ["stage", "model", "provider", "recipe", "run", "day", "session", "status", "tag"]


@click.command("top")
@click.option("--by", type=click.Choice(_KEYS), default="stage", show_default=True, help="What to add up by.")
@click.option("--since", type=duration, help="Only calls of this time up to now: 12h, 7d.")
@click.option("--limit", "-n", type=click.IntRange(min=1), default=20, show_default=True, help="How many rows.")
@asking.address
@options.output_dir
@options.as_json
def command(
    by: str, since: float | None, limit: int, address: str | None, output_dir: Path | None, as_json: bool
) -> None:
    """Show where the money of all runs went, the most first.

    Days are those of this machine's time zone. With `--by tag` a call counts under each of its tags. Needs the extra
    `query`; with --store `clickhouse`.
    """
    begin = None if since is None else datetime.now().astimezone() - timedelta(seconds=since)
    with store(output_dir, address) as views:
        from taximeter.query.top import top

        rows = top(views, by, begin)[:limit]
    if as_json:
        plain = [msgspec.structs.asdict(row) for row in rows]
        click.echo(to_json({"schema_version": "top_v1", "by": by, "rows": plain}))
    elif rows:
        console = options.console()
        console.print(grid(table(_columns(by), rows), console.width))
    else:
        click.echo("No calls.", err=True)
    say_left_out(views)


def _columns(by: str) -> list[Column[Row]]:
    column = Column["Row"]
    return [
        column(by, lambda r: brief(r.key or ""), 100, right=False, narrowest=16),
        column("runs", lambda r: numbers.count(r.runs), 40),
        column("calls", lambda r: numbers.count(r.calls), 80),
        column("tokens in", lambda r: numbers.count(r.input_tokens), 70),
        column("out", lambda r: numbers.count(r.output_tokens), 69),
        column("p50", lambda r: _latency(r.p50_ms), 20),
        column("p95", lambda r: _latency(r.p95_ms), 21),
        column("cost", _cost, 99),
    ]


def _latency(milliseconds: float | None) -> str:
    return numbers.seconds(None if milliseconds is None else milliseconds / 1000)


def _cost(row: Row) -> str:
    if row.cost is None:
        return "unpriced" if row.unpriced else numbers.UNKNOWN
    return f"{'≥' if row.unpriced else ''}{numbers.money(row.cost, row.currency or 'USD')}"
