"""The most expensive calls, in bounded memory."""

from __future__ import annotations

import heapq
import sys
from decimal import Decimal
from itertools import count

import msgspec

from taximeter.events import CallEvent
from taximeter.pricing.cost import Cost

_UNPRICED = Decimal(-1)


class PricedCall(msgspec.Struct, frozen=True, gc=False):
    """A call with what it cost."""

    call: CallEvent
    cost: Cost


class TopCalls:
    """Keeps the `limit` most expensive calls of all that are put in; the one with more tokens wins a tie.

    Without a limit it keeps them all.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = sys.maxsize if limit is None else limit
        self._heap: list[tuple[Decimal, int, int, int, PricedCall]] = []
        self._order = count(0, -1)  # of equal calls the first stays, whichever attempt's file was read first

    def put(self, call: CallEvent, cost: Cost) -> None:
        """Looks at one more call."""
        amount = _UNPRICED if cost.amount is None else cost.amount
        is_full = len(self._heap) >= self._limit
        if is_full and (not self._heap or amount < self._heap[0][0]):
            return  # what becomes of nearly all calls of a long run
        usage = call.usage
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        entry = amount, tokens, -(call.attempt or 0), next(self._order), PricedCall(call, cost)
        if is_full:
            heapq.heappushpop(self._heap, entry)
        else:
            heapq.heappush(self._heap, entry)

    def calls(self) -> list[PricedCall]:
        """The calls that were kept, the most expensive first."""
        return [priced for *_, priced in sorted(self._heap, reverse=True)]
