"""The one way from a call to its cost: a pure function."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import reduce
from typing import Literal

import msgspec

from taximeter.events import CallEvent
from taximeter.pricing.sheet import RateCard, Sheet
from taximeter.usage import Usage, is_consistent

CostStatus = Literal["priced", "partial", "estimated", "unpriced"]

EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow])
"""Sums of money are exact: anything that would be rounded is an error of ours."""

_PRICING = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, Overflow])
_TWELVE_PLACES = Decimal("1e-12")
_PER = 1000
_NOTHING = Decimal(0)

DEFAULT = "default"
"""Names the sheet's rates for models that it does not list, as `source` and as `entry` of a cost."""


class LineItem(msgspec.Struct, frozen=True, gc=False):
    """One line of the invoice of a call."""

    unit: str
    """What is charged, such as `input_tokens`."""

    quantity: int
    rate: Decimal
    per: int
    """How many units the rate buys."""

    amount: Decimal
    """quantity x rate / per, quantized once to 12 places, half-even."""


class Cost(msgspec.Struct, frozen=True, gc=False):
    """Money of one call. The sum of the line items is the amount."""

    amount: Decimal | None
    """None if nothing of the call could be priced."""

    currency: str
    status: CostStatus
    source: str
    """`sheet`, `default`, `provider` (it said what it billed), `cache` (nothing was bought), or why there is none."""

    line_items: tuple[LineItem, ...] = ()
    unpriced_units: tuple[str, ...] = ()
    """Units that were used and have no rate."""

    entry: str | None = None
    """Entry of the sheet whose rates were applied."""

    saved: Decimal | None = None
    """What a call that was answered from a local cache would have cost."""


def price(call: CallEvent, sheet: Sheet, at: float | None = None) -> Cost:
    """What a call costs by a sheet.

    `at` (seconds since the epoch; the call's own start by default) is the time whose rates count. A cost that the
    provider says it billed wins. Never raises: what cannot be priced says so in its status.
    """
    del at  # rates of this form of sheet have no dates
    if call.cached:
        bought = price(msgspec.structs.replace(call, cached=False), sheet)
        return Cost(_NOTHING, sheet.currency, "priced", "cache", saved=bought.amount)
    if call.provider_cost is not None:
        amount = call.provider_cost.quantize(_TWELVE_PLACES, context=_PRICING)
        return Cost(amount, sheet.currency, "priced", "provider")
    if call.usage.input_tokens is None and call.usage.output_tokens is None:
        return Cost(None, sheet.currency, "unpriced", "no usage")
    for name in (call.response_model, call.model):
        if name in sheet.models:
            return _by_card(call.usage, sheet.models[name], Cost(None, sheet.currency, "priced", "sheet", entry=name))
    if sheet.default is not None:
        return _by_card(call.usage, sheet.default, Cost(None, sheet.currency, "estimated", DEFAULT, entry=DEFAULT))
    return Cost(None, sheet.currency, "unpriced", "no price")


def rounded(money: Decimal, times: int, per: int) -> Decimal:
    """money x times / per, quantized once to 12 places, half-even."""
    amount = _PRICING.divide(_PRICING.multiply(money, Decimal(times)), Decimal(per))
    return amount.quantize(_TWELVE_PLACES, context=_PRICING)


def _by_card(usage: Usage, card: RateCard, best: Cost) -> Cost:
    """Fills in a cost by a card; `best` has the status that it gets if the card covers everything."""
    if card.free:
        return msgspec.structs.replace(best, amount=_NOTHING)
    items: list[LineItem] = []
    unpriced: list[str] = []
    for unit, quantity, rate in _buckets(usage, card):
        if rate is None:
            unpriced.append(unit)
        else:
            items.append(LineItem(unit, quantity, rate, _PER, rounded(rate, quantity, _PER)))
    if unpriced and not items:
        return Cost(None, best.currency, "unpriced", best.source, unpriced_units=tuple(unpriced))
    status: CostStatus = "partial" if unpriced else "estimated" if _is_guess(usage, card) else best.status
    amount = reduce(EXACT.add, (item.amount for item in items), _NOTHING)
    return Cost(amount, best.currency, status, best.source, tuple(items), tuple(unpriced), best.entry)


def _buckets(usage: Usage, card: RateCard) -> list[tuple[str, int, Decimal | None]]:
    """Every token in exactly one bucket with its rate; empty buckets are left out."""
    whole = usage.input_tokens or 0
    read = min(usage.cache_read_input_tokens or 0, whole) if card.cache_read_per_1k is not None else 0
    write = min(usage.cache_write_input_tokens or 0, whole - read) if card.cache_write_per_1k is not None else 0
    buckets = [
        ("input_tokens", whole - read - write, card.prompt_per_1k),
        ("cache_read_input_tokens", read, card.cache_read_per_1k),
        ("cache_write_input_tokens", write, card.cache_write_per_1k),
        ("output_tokens", usage.output_tokens or 0, card.completion_per_1k),
    ]
    return [bucket for bucket in buckets if bucket[1]]


def _is_guess(usage: Usage, card: RateCard) -> bool:
    """Whether cached tokens are charged as plain input, for want of a rate of their own, or counts contradict."""
    read, write = usage.cache_read_input_tokens, usage.cache_write_input_tokens
    at_full_rate = bool(read and card.cache_read_per_1k is None) or bool(write and card.cache_write_per_1k is None)
    return at_full_rate or not is_consistent(usage)
