"""Rates that hold for one kind of call, ready to be multiplied."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, getcontext, setcontext

import msgspec

from taximeter.pricing.buckets import Bucket, split
from taximeter.pricing.cost import NOTHING, PLACES, PRICING, Cost, CostStatus, LineItem, rounded
from taximeter.pricing.sheet import Mode
from taximeter.pricing.units import INPUT, OUTPUT, REQUESTS, TOTAL, is_input
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


class Band(msgspec.Struct, frozen=True):
    """Lines by unit that hold beyond a threshold."""

    above: int
    lines: Mapping[str, Line]


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
    modal: bool
    """Whether a unit of one modality has a rate."""

    def cost(self, usage: Usage) -> Cost:
        """What a usage costs; each line item is rounded once, their sum is exact."""
        if self.free:
            return Cost(NOTHING, self.currency, "priced", self.source, entry=self.entry, sheet_id=self.sheet_id)
        context = getcontext()
        setcontext(PRICING)  # twice as fast as its methods
        try:
            return self._cost_of(usage)
        finally:
            setcontext(context)

    def _cost_of(self, usage: Usage) -> Cost:
        bands = self.bands
        rated = bands[0].lines
        buckets, doubt = split(usage, rated, self.modal)
        if usage.counters or REQUESTS in rated:
            buckets = [*buckets, *_counters(usage, rated)]
        if self.mode == "marginal":
            items, unpriced = self._marginal(buckets)
        else:
            items, unpriced = _items(buckets, rated if len(bands) == 1 else self._band(usage).lines)
        amount = NOTHING
        for item in items:
            amount += item.amount
        status, reason = self.status, self.reason
        if unpriced:
            status = "partial" if items else "unpriced"
            reason = f"no rate for {', '.join(unpriced)}"
        elif doubt is not None and status == "priced":
            status, reason = "estimated", doubt
        return Cost(
            amount if items or not unpriced else None,
            self.currency,
            status,
            self.source,
            tuple(items),
            tuple(unpriced),
            self.entry,
            None,
            reason,
            self.sheet_id,
        )

    def asks(self, unit: str) -> bool:
        """Whether money is asked for a unit."""
        rated = self.bands[0].lines.get(unit)
        return rated is not None and rated.rate > 0

    def _band(self, usage: Usage) -> Band:
        count = _count(usage, self.threshold_on)
        for band in reversed(self.bands):
            if band.above < count:
                return band
        return self.bands[0]

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
    if threshold_on == INPUT:
        return usage.input_tokens or 0
    if threshold_on == TOTAL:
        return (usage.input_tokens or 0) + (usage.output_tokens or 0)
    if threshold_on in usage.__struct_fields__:
        return getattr(usage, threshold_on) or 0
    return dict(usage.counters).get(threshold_on, 0)


def _counters(usage: Usage, rated: Mapping[str, Line]) -> list[Bucket]:
    counted = [bucket for bucket in usage.counters if bucket[1]]
    if REQUESTS in rated and REQUESTS not in dict(usage.counters):
        counted.append((REQUESTS, 1))
    return counted
