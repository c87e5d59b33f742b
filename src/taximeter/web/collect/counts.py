"""What the collector has counted since it was started, for those who watch it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from decimal import Decimal
from time import time

import msgspec

from taximeter.events import CallEvent, Event
from taximeter.pricing.cost import EXACT
from taximeter.pricing.price import price
from taximeter.pricing.sheet import Sheet

LAGS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0)
"""Seconds: upper bounds of the classes of delays."""

OTHERS = "(others)"
_MOST = 1_000
"""Pairs of model and stage that are told apart: names come from the network, and there may be any number of them."""


class Spent(msgspec.Struct):
    """Calls of one model in one stage."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    """Calls of which nobody knows the cost."""


class Counts:
    """The counts of one project."""

    def __init__(self, sheet: Sheet) -> None:
        self.requests: Counter[int] = Counter()
        """By status of the answer."""

        self.accepted = 0
        self.duplicate = 0
        self.conflicting = 0
        """Duplicates whose content is not that of the event that was taken."""

        self.rejected: Counter[int] = Counter()
        """By status."""

        self.lags = [0] * (len(LAGS) + 1)
        """Events by the seconds between their end and their arrival; those that have no time are in none."""

        self.lag_seconds = 0.0
        self.spent: dict[tuple[str, str], Spent] = {}
        """By model and stage id."""

        self.currency = sheet.currency
        self._sheet = sheet

    def take(self, events: list[Event]) -> None:
        """Counts events that were accepted."""
        self.accepted += len(events)
        now = time()
        for event in events:
            if isinstance(event, CallEvent):
                self._take_call(event)
                ended = event.started_at and event.started_at + (event.request_ms or 0.0) / 1000
            else:
                ended = event.ended_at
            if ended:
                lag = max(now - ended, 0.0)
                self.lags[bisect_left(LAGS, lag)] += 1
                self.lag_seconds += lag

    def _take_call(self, call: CallEvent) -> None:
        key = call.model, call.stage_id or ""
        spent = self.spent.get(key)
        if spent is None:
            if len(self.spent) >= _MOST:
                key = OTHERS, OTHERS
            spent = self.spent.get(key) or self.spent.setdefault(key, Spent())
        spent.calls += 1
        if not call.cached:
            spent.input_tokens += call.usage.input_tokens or 0
            spent.output_tokens += call.usage.output_tokens or 0
        amount = price(call, self._sheet).amount
        if amount is None:
            spent.unpriced += 1
        else:
            spent.cost = EXACT.add(spent.cost, amount)
