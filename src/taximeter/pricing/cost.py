"""What a call costs: the record, and the arithmetic of money."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Literal

import msgspec

CostStatus = Literal["priced", "partial", "estimated", "unpriced"]

EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow])
"""Sums of money are exact: anything that would be rounded is an error of ours."""

PRICING = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, Overflow])
"""Products and quotients, rounded once, half-even."""

PLACES = 12
TWELVE_PLACES = Decimal(1).scaleb(-PLACES)
NOTHING = Decimal(0)

DEFAULT = "default"
"""Names the sheet's rates for models that it does not list, as `source` and as `entry` of a cost."""


STANDARD_RATE = "standard"
"""The rule of a rate that nothing but its entry made."""


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

    rule: str = STANDARD_RATE
    """Why this rate: tier, variant, layers, exchange."""


class Cost(msgspec.Struct, frozen=True, gc=False):
    """Money of one call. The sum of the line items is the amount."""

    amount: Decimal | None
    """None if nothing of the call could be priced."""

    currency: str
    status: CostStatus
    source: str
    """The sheet that knew the price, `default`, `provider` (it said what it billed), `cache` (nothing was bought), or
    why there is none."""

    line_items: tuple[LineItem, ...] = ()
    unpriced_units: tuple[str, ...] = ()
    """Units that were used and have no rate."""

    entry: str | None = None
    """Entry of the sheet whose rates were applied."""

    saved: Decimal | None = None
    """What a call that was answered from a local cache would have cost."""

    reason: str | None = None
    """Why it is not simply priced."""

    sheet_id: str | None = None
    """sha256 of the compiled sheet."""


def twelve_places(money: Decimal) -> Decimal:
    """Money with at most 12 places, half-even."""
    return money.quantize(TWELVE_PLACES, context=PRICING)


def rounded(money: Decimal, times: int, per: int) -> Decimal:
    """money x times / per, quantized once to 12 places, half-even."""
    return twelve_places(PRICING.divide(PRICING.multiply(money, times), per))
