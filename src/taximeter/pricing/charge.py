"""Rates that hold for one kind of call, ready to be multiplied."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal, getcontext, setcontext
from operator import attrgetter

import msgspec

from taximeter.pricing.buckets import Bucket, Rated, split
from taximeter.pricing.cost import NOTHING, PLACES, PRICING, Cost, CostStatus, LineItem, rounded
from taximeter.pricing.sheet import Mode
from taximeter.pricing.units import CACHE_READ, CACHE_WRITE, INPUT, OUTPUT, REQUESTS, TOOL_USE, TOTAL, is_input
from taximeter.usage import Usage


class Line(msgspec.Struct, frozen=True, gc=False):
    """The effective rate of one unit."""

    unit: str
    rate: Decimal
    per: int
    each: Decimal | None
    """Of one unit, where that is exact to 12 places."""

    rule: str

    def item(self, quantity: int) -> LineItem:
        """The line of an invoice; in the context `PRICING`."""
        each = self.each
        amount = rounded(self.rate, quantity, self.per) if each is None else each * quantity
        return LineItem(self.unit, quantity, self.rate, self.per, amount, self.rule)


def line(unit: str, rate: Decimal, per: int, rule: str) -> Line:
    """The line of a rate; `per` is a power of ten as a rule, and then one unit has an exact price."""
    each = PRICING.divide(rate, per)
    exact = PRICING.multiply(each, per) == rate and -each.normalize(PRICING).as_tuple().exponent <= PLACES  # type: ignore[operator]
    return Line(unit, rate, per, each.normalize(PRICING) if exact else None, rule)


class Usual(msgspec.Struct, frozen=True, gc=False):
    """The lines of what most calls are made of: input, read from a cache or not, and output."""

    read: Line | None
    """Of tokens that were read from a cache; None if they have no rate of their own."""

    plain: Line
    output: Line | None
    """None as with models that give no tokens: those for embeddings."""

    apart: Callable[[Usage], tuple[int | None, ...]] | None
    """Counts that have rates of their own beside these, as of one modality or of thoughts."""


def usual(lines: Mapping[str, Line]) -> Usual | None:
    """The lines of most calls; None where plain input has no rate, or each call is charged for being one."""
    if INPUT not in lines or REQUESTS in lines:
        return None
    apart = (lines.keys() & Usage.__struct_fields__) - {INPUT, OUTPUT, CACHE_READ, CACHE_WRITE}
    # With one name alone, what it gives would be no tuple.
    return Usual(
        lines.get(CACHE_READ), lines[INPUT], lines.get(OUTPUT), attrgetter(TOOL_USE, *apart) if apart else None
    )


class Band(msgspec.Struct, frozen=True):
    """Lines by unit that hold beyond a threshold."""

    above: int
    lines: Mapping[str, Line]
    usual: Usual | None
    """The short way to the cost of most calls, where there is one."""


class Charge(msgspec.Struct, frozen=True):
    """What a call of one kind is charged by."""

    currency: str
    source: str
    entry: str
    sheet_id: str
    bands: tuple[Band, ...]
    """In rising order; the first is above 0. Without tiers it is the only one."""

    threshold_on: str
    mode: Mode
    status: CostStatus
    """Of a cost that these lines cover."""

    reason: str | None
    free: bool
    rated: Rated
    """The units that have a rate."""

    def cost(self, usage: Usage) -> Cost:
        """What a usage costs; each line item is rounded once, their sum is exact."""
        if self.free:
            return Cost(NOTHING, self.currency, "priced", self.source, entry=self.entry, sheet_id=self.sheet_id)
        band = self.bands[0] if len(self.bands) == 1 else self._band(usage)
        context = getcontext()
        setcontext(PRICING)  # twice as fast as its methods
        try:
            cost = None if band.usual is None else self._usual_cost(usage, band.usual)
            return self._cost_of(usage, band) if cost is None else cost
        finally:
            setcontext(context)

    def _usual_cost(self, usage: Usage, lines: Usual) -> Cost | None:
        """The cost of a usage of nothing else and without contradictions, as the long way has it; else None."""
        if usage.counters or usage.cache_write_input_tokens or usage.cache_write_by_ttl:
            return None
        if lines.apart is not None and any(lines.apart(usage)):
            return None
        items: list[LineItem] = []
        amount = NOTHING
        plain = usage.input_tokens or 0
        if read := usage.cache_read_input_tokens:
            plain -= read
            if lines.read is None or plain < 0:
                return None
            items.append(item := lines.read.item(read))
            amount += item.amount
        if plain:
            items.append(item := lines.plain.item(plain))
            amount += item.amount
        if output := usage.output_tokens:
            if lines.output is None:
                return None
            items.append(item := lines.output.item(output))
            amount += item.amount
        return self._bill(amount, items)

    def _cost_of(self, usage: Usage, band: Band) -> Cost:
        buckets, doubt = split(usage, self.rated)
        if usage.counters or REQUESTS in self.rated.units:
            buckets = [*buckets, *_counters(usage, self.rated.units)]
        items, unpriced = self._marginal(buckets) if self.mode == "marginal" else _items(buckets, band.lines)
        amount = NOTHING
        for item in items:
            amount += item.amount
        cost = self._bill(amount, items)
        if unpriced:
            reason = f"no rate for {', '.join(unpriced)}"
            known = {"status": "partial"} if items else {"status": "unpriced", "amount": None}
            return msgspec.structs.replace(cost, unpriced_units=tuple(unpriced), reason=reason, **known)
        if doubt is not None and self.status == "priced":
            return msgspec.structs.replace(cost, status="estimated", reason=doubt)
        return cost

    def _bill(self, amount: Decimal, items: list[LineItem]) -> Cost:
        return Cost(
            amount,
            self.currency,
            self.status,
            self.source,
            tuple(items),
            (),
            self.entry,
            None,
            self.reason,
            self.sheet_id,
        )

    def asks(self, unit: str) -> bool:
        """Whether money is asked for a unit."""
        rated = self.bands[0].lines.get(unit)
        return rated is not None and rated.rate > 0

    def _band(self, usage: Usage) -> Band:
        count = usage.input_tokens or 0 if self.threshold_on == INPUT else _count(usage, self.threshold_on)
        found = self.bands[0]
        for band in self.bands:
            if band.above >= count:
                break
            found = band
        return found

    def _marginal(self, buckets: list[Bucket]) -> tuple[list[LineItem], list[str]]:
        """Line items where only what is beyond a threshold has its rate; buckets fill the bands in their order."""
        items: list[LineItem] = []
        unpriced: list[str] = []
        used = 0
        for unit, quantity in buckets:
            if unit not in self.bands[0].lines:
                unpriced.append(unit)
            elif not _counts_for(unit, self.threshold_on):
                items.append(self.bands[0].lines[unit].item(quantity))
            else:
                items += self._across_bands(unit, used, used + quantity)
                used += quantity
        return items, unpriced

    def _across_bands(self, unit: str, begin: int, end: int) -> list[LineItem]:
        ends = [band.above for band in self.bands[1:]] + [max(end, self.bands[-1].above)]
        parts = ((band, min(end, upper) - max(begin, band.above)) for band, upper in zip(self.bands, ends, strict=True))
        return [band.lines[unit].item(quantity) for band, quantity in parts if quantity > 0]


def _items(buckets: list[Bucket], lines: Mapping[str, Line]) -> tuple[list[LineItem], list[str]]:
    """Line items of what has a rate, and the units that have none."""
    items: list[LineItem] = []
    unpriced: list[str] = []
    for unit, quantity in buckets:
        if (rated := lines.get(unit)) is None:
            unpriced.append(unit)
        else:
            items.append(rated.item(quantity))
    return items, unpriced


def _counts_for(unit: str, threshold_on: str) -> bool:
    if threshold_on == INPUT:
        return is_input(unit)
    return unit.endswith(OUTPUT) if threshold_on == OUTPUT else unit == threshold_on


def _count(usage: Usage, threshold_on: str) -> int:
    if threshold_on == TOTAL:
        return (usage.input_tokens or 0) + (usage.output_tokens or 0)
    if threshold_on in usage.__struct_fields__:
        return getattr(usage, threshold_on) or 0
    return dict(usage.counters).get(threshold_on, 0)


def _counters(usage: Usage, rated: Collection[str]) -> list[Bucket]:
    counted = [bucket for bucket in usage.counters if bucket[1]]
    if REQUESTS in rated and REQUESTS not in dict(usage.counters):
        counted.append((REQUESTS, 1))
    return counted
