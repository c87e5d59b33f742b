"""`taximeter prices`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import msgspec

from taximeter import numbers
from taximeter.cli import options
from taximeter.errors import Problem, SetupError
from taximeter.events import CallEvent
from taximeter.numbers import exact, plural, to_json
from taximeter.pricing.builtin import sheet_in
from taximeter.pricing.cost import Cost, LineItem
from taximeter.pricing.lookup import find
from taximeter.pricing.price import price
from taximeter.pricing.providers import canonical
from taximeter.pricing.sheet import Entry, Rates, Sheet, Tiers
from taximeter.pricing.terms import Kind
from taximeter.pricing.units import CACHE_READ, CACHE_WRITE, INPUT, OUTPUT, TTL
from taximeter.redact import brief, visible
from taximeter.report.grid import grid
from taximeter.report.table import Column, table
from taximeter.usage import Usage, counts
from taximeter.yamldoc.words import did_you_mean

_MOST_NAMES = 10
_UNIT = 33
"""Room for the longest name of a usual unit, and for its place among tiers of variants."""

price_table = click.option(
    "--price-table",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The price sheet [default: the built-in one].",
)
at_date = click.option(
    "--at", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="The time whose rates count, in UTC."
)


def seconds(at: datetime | None) -> float:
    """A time in UTC; now, if none is given."""
    return (datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)).timestamp()


@click.group("prices", invoke_without_command=True)
@click.option("--provider", help="Only models of this provider.")
@price_table
@at_date
@options.as_json
@click.pass_context
def command(
    context: click.Context, provider: str | None, price_table: Path | None, at: datetime | None, as_json: bool
) -> None:
    """List prices; show, explain and check them."""
    if context.invoked_subcommand is not None:
        return
    sheet = sheet_in(price_table)
    wanted = None if provider is None else canonical(provider)
    rows = [entry for entry in _listed(sheet, seconds(at)) if wanted in (None, entry.provider)]
    if as_json:
        _print_json("prices_v1", {"sheet_id": sheet.sheet_id, "currency": sheet.currency, "entries": rows})
        return
    if not rows:
        click.echo(f"The sheet lists no model of {brief(provider or 'any provider')}.", err=True)
        return
    console = options.console()
    console.print(grid(table(_columns(), rows), console.width))
    console.print(f"{plural(len(rows), 'model')}, {sheet.currency} per million tokens, sheet {sheet.sheet_id[:12]}.")


@command.command("show")
@click.argument("model")
@click.option("--provider", help="Where several providers have the model.")
@price_table
@at_date
@options.as_json
def show(model: str, provider: str | None, price_table: Path | None, at: datetime | None, as_json: bool) -> None:
    """Show all rates of MODEL: tiers, variants, where they come from."""
    sheet = sheet_in(price_table)
    entry = _one(sheet, model, provider, seconds(at))
    if as_json:
        _print_json("price_v1", {"sheet_id": sheet.sheet_id, "currency": sheet.currency, "entry": entry})
        return
    console = options.console()
    console.print(f"{brief(entry.name)}  ({entry.currency or sheet.currency})", markup=False, soft_wrap=True)
    for line in _lines(entry):
        console.print(line, markup=False, soft_wrap=True)


@command.command("explain")
@click.argument("model")
@click.option("--provider", help="Where several providers have the model.")
@click.option("--input", "input_tokens", type=click.IntRange(min=0), default=0, help="All input tokens, cached too.")
@click.option("--cache-read", type=click.IntRange(min=0), default=0, help="Those read from the provider's cache.")
@click.option("--cache-write", type=click.IntRange(min=0), default=0, help="Those written to it.")
@click.option("--ttl", default="5m", show_default=True, help="For how long they are written.")
@click.option("--output", "output_tokens", type=click.IntRange(min=0), default=0, help="All output tokens.")
@click.option("--batch", is_flag=True, help="A request of a batch.")
@click.option("--tier", help="The service tier: flex, priority, ...")
@price_table
@at_date
@options.as_json
def explain(
    model: str,
    provider: str | None,
    input_tokens: int,
    cache_read: int,
    cache_write: int,
    ttl: str,
    output_tokens: int,
    batch: bool,
    tier: str | None,
    price_table: Path | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Show what a request to MODEL costs, line by line, as one checks an invoice.

    Token counts are inclusive: --input counts the cached ones, too.
    """
    if cache_read + cache_write > input_tokens:
        message = f"{cache_read + cache_write} tokens are cached, and the input has only {input_tokens}"
        raise SetupError(Problem(message, "--input counts all input tokens, the cached ones, too"))
    if not re.fullmatch(TTL, ttl):
        raise SetupError(Problem(f"{brief(ttl)} is no time to live", "name it as 5m or 1h"))
    sheet, time = sheet_in(price_table), seconds(at)
    if all(level.default is None for level in sheet.chain()):
        known = _one(sheet, model, provider, time)
        provider = provider or known.provider
    call = CallEvent(
        event_id=("explain", 0),
        model=model,
        provider=provider,
        usage=Usage(
            input_tokens,
            output_tokens,
            cache_read_input_tokens=cache_read,
            cache_write_input_tokens=cache_write,
            cache_write_by_ttl=counts({ttl: cache_write}) if cache_write else (),
        ),
        processing="batch" if batch else "sync",
        service_tier=tier,
        started_at=time,
    )
    cost = price(call, sheet)
    if as_json:
        click.echo(to_json({"schema_version": "cost_v1", **msgspec.to_builtins(cost, builtin_types=(Decimal,))}))
        return
    console = options.console()
    if cost.line_items:
        console.print(grid(table(_item_columns(cost), cost.line_items), console.width))
    for line in _summary(cost):
        console.print(line, markup=False, soft_wrap=True)


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.as_json
def check(file: Path, as_json: bool) -> None:
    """Check a price sheet: every problem with its place; exit code 2 if there is one."""
    sheet = sheet_in(file)
    if as_json:
        found = {"sheet_id": sheet.sheet_id, "currency": sheet.currency, "entries": len(sheet.entries)}
        click.echo(to_json({"schema_version": "price_check_v1", **found}))
        return
    click.echo(f"{file}: {plural(len(sheet.entries), 'price')} in {sheet.currency}, sheet {sheet.sheet_id[:12]}")


def _print_json(schema: str, fields: dict[str, Any]) -> None:
    plain = msgspec.to_builtins(fields, builtin_types=(Decimal,))
    click.echo(to_json({"schema_version": schema, **plain}))


def _listed(sheet: Sheet, at: float) -> list[Entry]:
    """Entries that hold at a time; what a sheet lists hides the same names below it."""
    found: dict[str, Entry] = {}
    for level in sheet.chain():
        for entry in level.entries:
            if entry.valid.holds(at):
                found.setdefault(_undated(entry), entry)
    return [found[name] for name in sorted(found)]


def _one(sheet: Sheet, model: str, provider: str | None, at: float) -> Entry:
    """The entry for a model; SetupError if there is none, or are several of different providers."""
    if provider is not None:
        return _first(sheet, model, provider, at) or _unknown(sheet, model, at)
    owners = dict.fromkeys(entry.provider for level in sheet.chain() for entry in level.entries)
    own = [entry for entry in (_first(sheet, model, owner, at) for owner in (*owners, None)) if entry is not None]
    exactly = [e for e in own if any(p.kind == "equals" and p.means(model.lower()) for p in e.match)]
    found: dict[str, Entry] = {}
    for entry in exactly or own:
        found.setdefault(_undated(entry), entry)
    if len(found) > 1:
        hint = "say which with --provider"
        names = ", ".join(brief(name) for name in list(found)[:_MOST_NAMES])
        more = f" and {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else ""
        raise SetupError(Problem(f"{brief(model)} is {len(found)} models: {names}{more}", hint))
    return next(iter(found.values()), None) or _unknown(sheet, model, at)


def _first(sheet: Sheet, model: str, provider: str | None, at: float) -> Entry | None:
    kind = Kind(provider, None, model, "sync", None, None, None, None)
    return next((f.entry for f in find(sheet, kind) if f.entry.valid.holds(at)), None)


def _undated(entry: Entry) -> str:
    return entry.name.partition("@")[0]


def _unknown(sheet: Sheet, model: str, at: float) -> Entry:
    names = [entry.name.rpartition("/")[2] for entry in _listed(sheet, at)]
    raise SetupError(
        Problem(f"no price of {brief(model)}", did_you_mean(model, names) or "`taximeter prices` lists all")
    )


def _columns() -> list[Column[Entry]]:
    column = Column[Entry]
    return [
        column("model", lambda e: brief(e.name), 100, right=False, narrowest=24),
        column("input", lambda e: _per_million(e, INPUT), 99),
        column("cache read", lambda e: _per_million(e, CACHE_READ), 60),
        column("cache write", lambda e: _per_million(e, CACHE_WRITE, "cache_write_5m_input_tokens"), 50),
        column("output", lambda e: _per_million(e, OUTPUT), 98),
        column("also", _also, 40, right=False),
    ]


def _per_million(entry: Entry, *units: str) -> str:
    rate = next((entry.rates[unit] for unit in units if unit in entry.rates), None)
    if entry.free:
        return "free"
    return numbers.UNKNOWN if rate is None else exact((rate.price * 1_000_000 / rate.per).normalize())


def _also(entry: Entry) -> str:
    kinds = dict.fromkeys(value for variant in entry.variants for value in variant.when.values())
    return ", ".join([*(["tiers"] if entry.tiers else []), *kinds])


def _lines(entry: Entry) -> Iterable[str]:
    if entry.free:
        yield "  free"
    yield from _rate_lines(entry.rates, entry.tiers, "  ")
    for variant in entry.variants:
        factor = "" if variant.multiply is None else f"  x {exact(variant.multiply)}"
        yield f"  {', '.join(f'{name} {brief(value)}' for name, value in variant.when.items())}{factor}"
        yield from _rate_lines(variant.rates, variant.tiers, "    ")
    if entry.source:
        yield f"  source {brief(entry.source)}{f', as of {brief(entry.as_of)}' if entry.as_of else ''}"


def _rate_lines(rates: Rates, tiers: Tiers | None, indent: str) -> Iterable[str]:
    for unit, rate in rates.items():
        yield f"{indent}{brief(unit):<{_UNIT - len(indent)}} {exact(rate.price)} / {rate.per:,}"
    for step in tiers.steps if tiers else ():
        assert tiers is not None
        yield f"{indent}above {step.above:,} {brief(tiers.threshold_on)} ({tiers.mode})"
        yield from _rate_lines(step.rates, None, f"{indent}  ")


def _item_columns(cost: Cost) -> list[Column[LineItem]]:
    column = Column[LineItem]
    return [
        column("unit", lambda i: i.unit, 100, right=False),
        column("quantity", lambda i: f"{i.quantity:,}", 99),
        column("rate", lambda i: exact(i.rate), 98),
        column("per", lambda i: f"{i.per:,}", 45),
        column("amount", lambda i: f"{exact(i.amount)} {cost.currency}", 99),
        column("rule", lambda i: i.rule, 96, right=False, narrowest=20),
    ]


def _summary(cost: Cost) -> Iterable[str]:
    reason = f": {visible(cost.reason)}" if cost.reason else ""
    if cost.amount is None:
        yield f"unpriced{reason}"
    else:
        yield f"{exact(cost.amount)} {cost.currency}  ({cost.status}{reason})"
    if cost.entry is not None:
        yield f"{brief(cost.entry)}, {cost.source}, sheet {(cost.sheet_id or '')[:12]}"
