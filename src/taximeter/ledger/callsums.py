"""Sums of calls, which are too many to keep: what they cost and took, the dearest of them, and when they were."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from taximeter.events import CallEvent
from taximeter.ledger.latency import Latencies
from taximeter.ledger.timeline import MOST_CALLS, Timeline
from taximeter.ledger.top import TopCalls
from taximeter.pricing.cost import STANDARD_RATE, Cost
from taximeter.pricing.sheet import Sheet
from taximeter.totals import Sum, Totals


class TotalsKey(msgspec.Struct, frozen=True, gc=False):
    """What totals are kept by: everything coarser is a sum of these."""

    stage_id: str | None
    attempt: int | None
    model: str
    shard: int | None = None


class SpecialRate(NamedTuple):
    """A rate other than the standard one of its entry, in the money of the sheet."""

    unit: str
    rate: Decimal
    per: int
    rule: str
    """What made it: tier, variant, layers, exchange."""


class StageCalls(msgspec.Struct, frozen=True):
    """What is kept of the calls of one stage beside their totals."""

    top: TopCalls
    """The most expensive ones."""

    latencies: Latencies
    """How long they took."""


class _Leaf(msgspec.Struct, frozen=True):
    """Where the calls of one key go."""

    sum: Sum
    stage: StageCalls


class CallSums:
    """The calls of a run, priced and added up.

    `limit` is how many calls are kept for each stage; None is all. `priced_as` gives the call that is priced and
    counted in place of the one that was made.
    """

    def __init__(self, sheet: Sheet, limit: int | None, priced_as: Callable[[CallEvent], CallEvent] | None) -> None:
        self.stages: dict[str | None, StageCalls] = {}
        """By stage id."""

        self.timeline: Timeline = Timeline(MOST_CALLS)
        self.entries: dict[str, set[SpecialRate]] = {}
        """Entries of the price sheet by which calls were priced, with those of their rates that were special."""

        self._sheet = sheet
        self._limit = limit
        self._priced_as = priced_as
        self._price: Callable[[CallEvent, Sheet, float | None], Cost] | None = None
        self._leaves: dict[tuple[str | None, int | None, str, int | None], _Leaf] = {}

    def take(self, call: CallEvent, since: float | None = None) -> None:
        """Prices a call; `since` is the time for those that have none of their own."""
        if self._priced_as is not None:
            call = self._priced_as(call)
        price = self._price or self._load_price()
        cost = price(call, self._sheet, since if call.started_at is None else None)
        if cost.entry is not None:
            special = self.entries.get(cost.entry)
            if special is None:
                special = self.entries[cost.entry] = set()
            for item in cost.line_items:
                if item.rule is not STANDARD_RATE:
                    special.add(SpecialRate(item.unit, item.rate, item.per, item.rule))
        key = call.stage_id, call.attempt, call.model, call.shard
        leaf = self._leaves.get(key) or self._leaf(key)
        leaf.sum.take(call, cost)
        leaf.stage.top.put(call, cost)
        self.timeline.take(call, cost)
        if call.request_ms is not None:
            leaf.stage.latencies.take(call.request_ms)

    def _load_price(self) -> Callable[[CallEvent, Sheet, float | None], Cost]:
        from taximeter.pricing.price import price  # a run without calls does not wait for it

        self._price = price
        return price

    def totals(self) -> dict[TotalsKey, Totals]:
        """Totals of all that was taken, in the order in which the keys appeared."""
        return {TotalsKey(*key): leaf.sum.totals() for key, leaf in self._leaves.items()}

    def _leaf(self, key: tuple[str | None, int | None, str, int | None]) -> _Leaf:
        stage = self.stages.get(key[0])
        if stage is None:
            stage = self.stages[key[0]] = StageCalls(TopCalls(self._limit), Latencies())
        leaf = self._leaves[key] = _Leaf(Sum(), stage)
        return leaf
