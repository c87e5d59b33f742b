"""From an entry of a sheet to the effective rates of a kind of call: variants, tiers, layers and exchange."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from taximeter.numbers import exact
from taximeter.pricing.buckets import Rated
from taximeter.pricing.charge import Band, Charge, Line, line, usual
from taximeter.pricing.cost import DEFAULT, PRICING, STANDARD_RATE, CostStatus, twelve_places
from taximeter.pricing.sheet import Entry, Layer, Rate, Sheet, Tiers, Variant
from taximeter.pricing.units import INPUT, is_token

HOURS = "hours"
STANDARD = frozenset({"", "sync", "default", "standard", "auto", "global", "not_available", "on_demand"})
"""What a call says of its kind where it is of no special one."""


class Kind(NamedTuple):
    """What the price of a call depends on, beside its usage and its time."""

    provider: str | None
    response_model: str | None
    model: str
    processing: str
    service_tier: str | None
    speed: str | None
    inference_geo: str | None
    region: str | None

    @property
    def special(self) -> dict[str, str]:
        """In what it is not an ordinary request."""
        context = {
            "processing": self.processing,
            "service_tier": self.service_tier,
            "speed": self.speed,
            "inference_geo": self.inference_geo,
            "region": self.region,
        }
        return {name: value.lower() for name, value in context.items() if value and value.lower() not in STANDARD}


class Factor(msgspec.Struct, frozen=True):
    """Something that rates are multiplied by, and why."""

    by: Decimal
    why: str


def charge(entry: Entry, path: Sequence[Sheet], kind: Kind, at: float, second: float, status: CostStatus) -> Charge:
    """What a kind of call is charged by an entry of the last sheet of `path`, which begins with the one asked.

    `at` is a time at which it is charged, `second` one of the day.
    """
    special = kind.special
    active = [variant for variant in entry.variants if _applies(variant, special, second)]
    of_tokens = [Factor(v.multiply, _when(v)) for v in active if v.multiply is not None]
    of_all = list(_factors(entry, path, kind, at))
    own = [variant for variant in active if variant.rates]
    sets: tuple[Entry | Variant, ...] = (entry, *own)
    tiers = next((of.tiers for of in sets if of.tiers is not None), None)
    thresholds = sorted({step.above for of in sets if of.tiers for step in of.tiers.steps})
    factors = {True: of_tokens + of_all, False: of_all}
    units = dict.fromkeys(unit for of in sets for unit in of.rates)
    mode = tiers.mode if tiers else "cliff"
    bands = tuple(
        Band(above, lines, usual(lines) if mode == "cliff" else None)
        for above in (0, *thresholds)
        for lines in [{unit: _line(unit, above, entry, own, factors[is_token(unit)]) for unit in units}]
    )
    missing = None if entry.free else _unknown_kind(special, entry, active)
    return Charge(
        currency=path[0].currency,
        source=DEFAULT if status == "estimated" else path[-1].name,
        entry=entry.name,
        sheet_id=path[0].sheet_id,
        bands=bands,
        threshold_on=tiers.threshold_on if tiers else INPUT,
        mode=mode,
        status="partial" if missing else status,
        reason=missing or ("the sheet's rates for models that it does not list" if status == "estimated" else None),
        free=entry.free,
        rated=Rated.of(units),
    )


def moments(entry: Entry) -> Iterator[int]:
    """Seconds of the day at which rates of an entry change."""
    for variant in entry.variants:
        if HOURS in variant.when:
            yield from hours(variant.when[HOURS])


def hours(text: str) -> tuple[int, int]:
    """`00:30-16:30` as seconds of the day."""
    begin, end = (int(part[:2]) * 3600 + int(part[3:5]) * 60 for part in text.split("-"))
    return begin, end


def _applies(variant: Variant, special: dict[str, str], second: float) -> bool:
    return all(
        _within(value, second) if name == HOURS else special.get(name) == value.lower()
        for name, value in variant.when.items()
    )


def _within(text: str, second: float) -> bool:
    begin, end = hours(text)
    return begin <= second < end if begin < end else second >= begin or second < end


def _unknown_kind(special: dict[str, str], entry: Entry, active: Sequence[Variant]) -> str | None:
    """Why the standard rates are not surely those of a call: nothing in the sheet is for its kind."""
    known = {name for variant in active for name in variant.when}
    if not any("region" in variant.when for variant in entry.variants):
        known.add("region")  # the sheet makes no difference between regions
    if special.get("processing") == special.get("service_tier") and known & {"processing", "service_tier"}:
        known |= {"processing", "service_tier"}  # Anthropic says of a batch that `batch` is its tier, too
    unknown = [f"{name} {value}" for name, value in special.items() if name not in known]
    return f"no rates for {', '.join(unknown)}: standard rates" if unknown else None


def _factors(entry: Entry, path: Sequence[Sheet], kind: Kind, at: float) -> Iterator[Factor]:
    """Exchange into the currency of the sheet that is asked, and the layers on the way to it."""
    currency = entry.currency or path[-1].currency
    for sheet in reversed(path):
        if currency != sheet.currency:
            exchange = sheet.fx[currency]
            yield Factor(exchange.rate, f"{currency} of {exchange.date}")
            currency = sheet.currency
        for layer in sheet.layers:
            if _is_for(layer, kind, at):
                yield Factor(layer.multiply, layer.name)


def _is_for(layer: Layer, kind: Kind, at: float) -> bool:
    names = [name.lower() for name in (kind.response_model, kind.model) if name]
    return (
        (layer.provider is None or layer.provider == kind.provider)
        and layer.valid.holds(at)
        and (not layer.match or any(pattern.means(name) for pattern in layer.match for name in names))
    )


def _line(unit: str, above: int, entry: Entry, own: Sequence[Variant], factors: Sequence[Factor]) -> Line:
    """The effective rate: of the first variant that names the unit, else the standard one, times all factors."""
    variant = next((variant for variant in own if unit in variant.rates), None)
    of = entry if variant is None else variant
    rate, over = _at_step(of.rates[unit], unit, above, of.tiers)
    words = [] if variant is None else [_when(variant)]
    if over is not None:
        words.append(over)
    price = rate.price
    for factor in factors:
        price = PRICING.multiply(price, factor.by)
    words += [f"{exact(rate.price)} x {exact(factor.by)} ({factor.why})" for factor in factors[:1]]
    words += [f"x {exact(factor.by)} ({factor.why})" for factor in factors[1:]]
    return line(unit, twelve_places(price), rate.per, ", ".join(words) or STANDARD_RATE)


def _at_step(rate: Rate, unit: str, above: int, tiers: Tiers | None) -> tuple[Rate, str | None]:
    words = None
    for step in tiers.steps if tiers else ():
        if step.above <= above and unit in step.rates:
            assert tiers is not None
            beyond = f"above {step.above:,} {tiers.threshold_on}"
            rate, words = step.rates[unit], beyond if tiers.mode == "cliff" else f"the part {beyond}"
    return rate, words


def _when(variant: Variant) -> str:
    return ", ".join(f"{name} {value}" for name, value in variant.when.items())
