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

    def put(self, priced: PricedCall) -> None:
        """Looks at one more call."""
        if not self._limit:
            return
        usage, amount = priced.call.usage, priced.cost.amount
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        entry = (
            _UNPRICED if amount is None else amount,
            tokens,
            -(priced.call.attempt or 0),
            next(self._order),
            priced,
        )
        if len(self._heap) < self._limit:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def calls(self) -> list[PricedCall]:
        """The calls that were kept, the most expensive first."""
        return [priced for *_, priced in sorted(self._heap, reverse=True)]
