"""The one way from a call to its cost: a pure function."""

from __future__ import annotations

import msgspec

from taximeter.events import CallEvent
from taximeter.pricing.cost import NOTHING, Cost, twelve_places
from taximeter.pricing.lookup import Term, terms
from taximeter.pricing.sheet import Sheet

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
        amount = twelve_places(call.provider_cost)
        return Cost(amount, sheet.currency, "priced", "provider", sheet_id=sheet.sheet_id)
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
    if at is None and len(found) > 1 and cost.status == "priced":
        return msgspec.structs.replace(cost, status="estimated", reason=_WITHOUT_TIME)
    return cost


def _term(found: tuple[Term, ...], at: float | None) -> Term:
    """The one that holds at a time; the last if there is no time."""
    if at is None:
        return found[-1]
    second = at % _DAY
    for term in reversed(found):
        if term.since <= at and term.second <= second:
            return term
    return found[0]  # a time that is not a number


def _unpriced(sheet: Sheet, reason: str) -> Cost:
    return Cost(None, sheet.currency, "unpriced", reason, reason=reason, sheet_id=sheet.sheet_id)
