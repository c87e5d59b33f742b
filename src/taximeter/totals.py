"""Additive sums of calls: the only addition of tokens and money there is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from decimal import Decimal
from operator import add, attrgetter
from typing import TypeVar

import msgspec

from taximeter.events import CallEvent
from taximeter.pricing.cost import EXACT, Cost, CostStatus
from taximeter.usage import Counts, Usage, counts, modality_tokens

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
        growing = Sum()
        growing.take(call, cost)
        return growing.totals()


class Sum:
    """Totals that grow: what adding `Totals.of` every call would give, without a record for each of them."""

    __slots__ = Totals.__struct_fields__

    def __init__(self) -> None:
        self.calls = self.embedding_calls = self.failed_calls = self.cached_calls = 0
        self.missing_usage_calls = self.unpriced_calls = self.partial_calls = self.estimated_calls = 0
        self.inconsistent_calls = self.input_tokens = self.output_tokens = self.embedding_tokens = 0
        self.cache_read_input_tokens = self.cache_write_input_tokens = self.tool_use_input_tokens = 0
        self.reasoning_output_tokens = self.saved_input_tokens = self.saved_output_tokens = 0
        self.cache_write_by_ttl: Counts = ()
        self.modality_tokens: Counts = ()
        self.counters: Counts = ()
        self.cost: Decimal | None = None
        self.saved_cost: Decimal | None = None

    def take(self, call: CallEvent, cost: Cost) -> None:
        """Adds one call."""
        usage, embeds = call.usage, call.kind == "embedding"
        tokens, output = usage.input_tokens or 0, usage.output_tokens or 0
        self.calls += 1
        self.embedding_calls += embeds
        self.cost = _sum(self.cost, cost.amount)
        if call.cached:
            self.cached_calls += 1
            self.saved_input_tokens += tokens
            self.saved_output_tokens += output
            self.saved_cost = _sum(self.saved_cost, cost.saved)
            return
        self.input_tokens += tokens
        self.output_tokens += output
        if embeds:
            self.embedding_tokens += tokens
        self._take_parts(usage)
        if call.status == "failed" or cost.status != "priced" or call.inconsistent:
            self._take_doubts(call, cost)

    def totals(self) -> Totals:
        """What was added so far."""
        return Totals(*_fields(self))

    def _take_parts(self, usage: Usage) -> None:
        if usage.cache_read_input_tokens:
            self.cache_read_input_tokens += usage.cache_read_input_tokens
        if usage.cache_write_input_tokens:
            self.cache_write_input_tokens += usage.cache_write_input_tokens
        if usage.tool_use_input_tokens:
            self.tool_use_input_tokens += usage.tool_use_input_tokens
        if usage.reasoning_output_tokens:
            self.reasoning_output_tokens += usage.reasoning_output_tokens
        if usage.cache_write_by_ttl:
            self.cache_write_by_ttl = _merged(self.cache_write_by_ttl, usage.cache_write_by_ttl)
        if usage.counters:
            self.counters = _merged(self.counters, usage.counters)
        if modalities := modality_tokens(usage):
            self.modality_tokens = _merged(self.modality_tokens, modalities)

    def _take_doubts(self, call: CallEvent, cost: Cost) -> None:
        usage, failed = call.usage, call.status == "failed"
        unknown = usage.input_tokens is None and usage.output_tokens is None and not usage.counters
        self.failed_calls += failed
        self.missing_usage_calls += unknown and cost.amount is None and not failed
        self.unpriced_calls += cost.status == "unpriced" and not unknown
        self.partial_calls += cost.status == "partial"
        self.estimated_calls += cost.status == "estimated"
        self.inconsistent_calls += bool(call.inconsistent)


_fields = attrgetter(*Totals.__struct_fields__)
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
    sums: dict[K, Sum] = {}
    for call, cost in calls:
        k = key(call)
        growing = sums.get(k) or sums.setdefault(k, Sum())
        growing.take(call, cost)
    return {k: growing.totals() for k, growing in sums.items()}


NOTHING = Totals()
"""The totals of no calls."""
