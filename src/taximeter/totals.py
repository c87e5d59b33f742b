"""Additive sums of calls: the only addition of tokens and money there is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from decimal import Decimal
from operator import add
from typing import TypeVar

import msgspec

from taximeter.events import CallEvent
from taximeter.pricing.cost import EXACT, Cost, CostStatus
from taximeter.usage import Counts, counts, modality_tokens

K = TypeVar("K", bound=Hashable)


class Totals(msgspec.Struct, frozen=True, gc=False):
    """Sums over calls. `Totals()` is nothing, and adding it changes nothing.

    Money that is not known is not 0: `cost` covers what is priced, and `cost_status` says what that means.
    """

    calls: int = 0
    """All calls, those that failed or were answered from a local cache included."""

    embedding_calls: int = 0
    failed_calls: int = 0
    cached_calls: int = 0
    """Answered from a local cache: nothing was bought, their tokens are among the saved ones."""

    missing_usage_calls: int = 0
    """Nobody said how many tokens they used."""

    unpriced_calls: int = 0
    """Tokens are known, and there is no price for any of them."""

    partial_calls: int = 0
    """Some of their units have no price."""

    estimated_calls: int = 0
    inconsistent_calls: int = 0
    """Their counts cannot all be true."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    tool_use_input_tokens: int = 0
    reasoning_output_tokens: int = 0
    embedding_tokens: int = 0
    """Input tokens of embedding calls; contained in `input_tokens`."""

    saved_input_tokens: int = 0
    saved_output_tokens: int = 0
    cache_write_by_ttl: Counts = ()
    modality_tokens: Counts = ()
    """Tokens of text, image, audio and video, as far as providers told them, by their names in a usage."""

    counters: Counts = ()
    """What is billed by the piece."""

    cost: Decimal | None = None
    """Money of what is priced; None if nothing is."""

    saved_cost: Decimal | None = None
    """What the cached calls would have cost, as far as they could be priced."""

    def __add__(self, other: Totals) -> Totals:
        mine, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        named = [
            _merged(self.cache_write_by_ttl, other.cache_write_by_ttl),
            _merged(self.modality_tokens, other.modality_tokens),
            _merged(self.counters, other.counters),
        ]
        money = [_sum(self.cost, other.cost), _sum(self.saved_cost, other.saved_cost)]
        return Totals(*map(add, mine[:_COUNTS], theirs), *named, *money)  # as many counts as there are of mine

    @property
    def cost_status(self) -> CostStatus | None:
        """How sure the cost is: that of its least sure call; None if there was nothing to pay for."""
        if self.calls == self.failed_calls and self.cost is None:
            return None
        if self.cost is None:
            return "unpriced"
        if self.unpriced_calls or self.partial_calls or self.missing_usage_calls:
            return "partial"
        return "estimated" if self.estimated_calls else "priced"

    @classmethod
    def of(cls, call: CallEvent, cost: Cost) -> Totals:
        """The totals of a single call."""
        usage, embeds = call.usage, call.kind == "embedding"
        tokens = usage.input_tokens or 0
        if call.cached:
            return cls(
                calls=1,
                embedding_calls=int(embeds),
                cached_calls=1,
                saved_input_tokens=tokens,
                saved_output_tokens=usage.output_tokens or 0,
                cost=cost.amount,
                saved_cost=cost.saved,
            )
        unknown = usage.input_tokens is None and usage.output_tokens is None and not usage.counters
        failed = call.status == "failed"
        return cls(
            calls=1,
            embedding_calls=int(embeds),
            failed_calls=int(failed),
            missing_usage_calls=int(unknown and cost.amount is None and not failed),
            unpriced_calls=int(cost.status == "unpriced" and not unknown),
            partial_calls=int(cost.status == "partial"),
            estimated_calls=int(cost.status == "estimated"),
            inconsistent_calls=int(bool(call.inconsistent)),
            input_tokens=tokens,
            output_tokens=usage.output_tokens or 0,
            cache_read_input_tokens=usage.cache_read_input_tokens or 0,
            cache_write_input_tokens=usage.cache_write_input_tokens or 0,
            tool_use_input_tokens=usage.tool_use_input_tokens or 0,
            reasoning_output_tokens=usage.reasoning_output_tokens or 0,
            embedding_tokens=tokens if embeds else 0,
            cache_write_by_ttl=usage.cache_write_by_ttl,
            modality_tokens=modality_tokens(usage),
            counters=usage.counters,
            cost=cost.amount,
        )


_COUNTS = Totals.__struct_fields__.index("cache_write_by_ttl")
"""How many fields are plain counts; they come first."""


def _merged(a: Counts, b: Counts) -> Counts:
    if not a or not b:
        return a or b
    sums = dict(a)
    for name, number in b:
        sums[name] = sums.get(name, 0) + number
    return counts(sums)


def _sum(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    if a is None or b is None:
        return b if a is None else a
    return EXACT.add(a, b)


def total_by(calls: Iterable[tuple[CallEvent, Cost]], key: Callable[[CallEvent], K]) -> dict[K, Totals]:
    """Totals of priced calls for each value of a key, in the order in which the values appear."""
    totals: dict[K, Totals] = {}
    for call, cost in calls:
        k = key(call)
        totals[k] = totals.get(k, NOTHING) + Totals.of(call, cost)
    return totals


NOTHING = Totals()
"""The totals of no calls."""
