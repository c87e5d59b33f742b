"""The one way from a call to its cost: a pure function."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from taximeter.events import CallEvent
from taximeter.numbers import exact
from taximeter.pricing.charge import Charge
from taximeter.pricing.cost import NOTHING, PRICING, Cost, twelve_places
from taximeter.pricing.lookup import Term, terms
from taximeter.pricing.sheet import Sheet
from taximeter.pricing.units import INPUT, OUTPUT

BILLED_IN = "USD"
"""The money of every bill that providers put into their answers, and so of `provider_cost`."""

_DAY = 86_400
_WITHOUT_TIME = "the call has no time: the last rates"


def price(call: CallEvent, sheet: Sheet, at: float | None = None) -> Cost:
    """What a call costs by a sheet.

    `at` (seconds since the epoch; the call's own start by default) is the time whose rates count. A cost that the
    provider says it billed wins. Never raises: what cannot be priced says so in its status.
    """
    if call.cached:
        bought = price(msgspec.structs.replace(call, cached=False), sheet, at)
        return Cost(NOTHING, sheet.currency, "priced", "cache", saved=bought.amount, sheet_id=sheet.sheet_id)
    if call.provider_cost is not None:
        return _billed(call.provider_cost, sheet)
    usage = call.usage
    if usage.input_tokens is None and usage.output_tokens is None and not usage.counters:
        return _unpriced(sheet, "no usage")
    speed, geo = (call.meta.get("speed"), call.meta.get("inference_geo")) if call.meta else (None, None)
    provider, model, answered = call.provider, call.model, call.response_model
    found = terms(sheet, (provider, answered, model, call.processing, call.service_tier, speed, geo, call.region))
    if at is None:
        at = call.started_at
    charge = (found[0] if len(found) == 1 else _term(found, at)).charge
    if isinstance(charge, str):
        return _unpriced(sheet, charge)
    cost = charge.cost(usage)
    if usage.input_tokens is None or usage.output_tokens is None:
        cost = _without_untold(cost, charge, call)
    if at is None and len(found) > 1 and cost.status == "priced":
        return msgspec.structs.replace(cost, status="estimated", reason=_WITHOUT_TIME)
    return cost


def _billed(amount: Decimal, sheet: Sheet) -> Cost:
    """What the provider says it billed, in the sheet's money."""
    if sheet.currency == BILLED_IN:
        return Cost(twelve_places(amount), sheet.currency, "priced", "provider", sheet_id=sheet.sheet_id)
    exchange = sheet.fx.get(BILLED_IN)
    if exchange is None:
        return _unpriced(sheet, f"billed in {BILLED_IN}, and `fx` of the sheet does not say what that is worth")
    reason = f"{exact(amount)} {BILLED_IN} x {exact(exchange.rate)} ({BILLED_IN} of {exchange.date})"
    amount = twelve_places(PRICING.multiply(amount, exchange.rate))
    return Cost(amount, sheet.currency, "priced", "provider", reason=reason, sheet_id=sheet.sheet_id)


def _without_untold(cost: Cost, charge: Charge, call: CallEvent) -> Cost:
    """The cost of what is told: not all of it where the tokens of one side are charged and nobody counted them."""
    told = {INPUT: call.usage.input_tokens, OUTPUT: call.usage.output_tokens}
    expected = (INPUT,) if call.kind == "embedding" else (INPUT, OUTPUT)
    untold = [unit for unit in expected if told[unit] is None and charge.asks(unit)]
    if not untold:
        return cost
    reason = f"nobody told the {' and the '.join(untold)}"
    if not cost.line_items:
        return msgspec.structs.replace(cost, amount=None, status="unpriced", reason=reason)
    return msgspec.structs.replace(cost, status="partial", reason=reason)


def _term(found: tuple[Term, ...], at: float | None) -> Term:
    """The one that holds at a time; the last if there is no time."""
    if at is None:
        return found[-1]
    for term in reversed(found):
        if term.since <= at and (not term.second or term.second <= at % _DAY):
            return term
    return found[0]  # a time that is not a number


def _unpriced(sheet: Sheet, reason: str) -> Cost:
    return Cost(None, sheet.currency, "unpriced", reason, reason=reason, sheet_id=sheet.sheet_id)
