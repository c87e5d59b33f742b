"""Why the cost of a run is not that of an earlier one: more work, other prices, other work."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import add

import msgspec

from taximeter.events import CallEvent
from taximeter.ledger.ledger import Ledger
from taximeter.pricing.cost import EXACT, rounded
from taximeter.pricing.sheet import Sheet
from taximeter.report import records
from taximeter.report.side import Side
from taximeter.rundir import RunDir
from taximeter.totals import NOTHING, Totals

ZERO = Decimal(0)


class Effects(msgspec.Struct, frozen=True):
    """A difference in cost, as a price-volume-mix analysis splits it. The three add up to it, to the last digit."""

    usage: Decimal = ZERO
    """More or fewer tokens of the same kinds: the old cost grown in proportion."""

    price: Decimal = ZERO
    """The new work at the new prices less the same work at the old ones."""

    mix: Decimal = ZERO
    """Other models, or other kinds of tokens (output for input, read from the cache or not), at the old prices."""

    def __add__(self, other: Effects) -> Effects:
        return Effects(
            EXACT.add(self.usage, other.usage), EXACT.add(self.price, other.price), EXACT.add(self.mix, other.mix)
        )

    @property
    def total(self) -> Decimal:
        """The difference in cost."""
        return EXACT.add(EXACT.add(self.usage, self.price), self.mix)


def split(before: records.Totals, after: records.Totals, at_old_prices: Decimal) -> Effects:
    """The effects in one stage; `at_old_prices` is what its new calls would have cost by the old sheet."""
    old, new = before.cost or ZERO, after.cost or ZERO
    did, does = _volumes(before, after)
    grown = rounded(old, does, did) if did else at_old_prices
    return Effects(
        usage=EXACT.subtract(grown, old),
        price=EXACT.subtract(new, at_old_prices),
        mix=EXACT.subtract(at_old_prices, grown),
    )


def _volumes(before: records.Totals, after: records.Totals) -> tuple[int, int]:
    """How much both did: tokens, or calls where one of them has calls without tokens."""
    tokens = [totals.prompt_tokens + totals.completion_tokens for totals in (before, after)]
    if any(totals.calls and not used for totals, used in zip((before, after), tokens, strict=True)):
        return before.calls, after.calls
    return tokens[0], tokens[1]


class OldPrices(msgspec.Struct, frozen=True):
    """What the calls of a run would have cost by the prices of an earlier one."""

    by_stage: dict[str | None, Decimal]
    unknown: tuple[str, ...]
    """Models that had no price then: they stand with the new one, so that they count as mix."""


def at_old_prices(run: RunDir, after: Side, before: Side) -> OldPrices:
    """Prices the calls of `after` by the sheet of `before`, as of its start. What a provider billed stays as it is."""
    began = before.report.started_at
    moment = None if began is None else datetime.fromisoformat(began).timestamp()
    old, new = _by_model(run, after, before.sheet, moment), _by_model(run, after, after.sheet, None)
    costs: defaultdict[str | None, Decimal] = defaultdict(Decimal)
    unknown = set()
    for key, now in new.items():
        then = old[key]
        if _holes(then) > _holes(now):
            unknown.add(key[1])
            then = now
        costs[key[0]] = EXACT.add(costs[key[0]], then.cost or ZERO)
    return OldPrices(dict(costs), tuple(sorted(unknown)))


def _holes(totals: Totals) -> int:
    return totals.unpriced_calls + totals.partial_calls


def _by_model(run: RunDir, side: Side, sheet: Sheet, moment: float | None) -> dict[tuple[str | None, str], Totals]:
    def then(call: CallEvent) -> CallEvent:
        return call if moment is None else msgspec.structs.replace(call, started_at=moment)

    ledger = Ledger(run, sheet, {stage.id: stage.folder for stage in side.plan.stages}, 0, then)
    if run.is_held():
        ledger.poll()
    else:
        ledger.finish()
    sums: dict[tuple[str | None, str], Totals] = {}
    for key, totals in ledger.calls.totals().items():
        name = (key.stage_id, key.model)
        sums[name] = sums.get(name, NOTHING) + totals
    return sums


def summed(effects: list[Effects]) -> Effects:
    """Of all stages."""
    return reduce(add, effects, Effects())
