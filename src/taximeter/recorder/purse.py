"""What this process has spent of a budget, and whether it may go on."""

from __future__ import annotations

import logging
import threading
from time import perf_counter_ns
from typing import TYPE_CHECKING

from taximeter.budget import Budget, Use, parse_budget
from taximeter.errors import BudgetExceeded, Problem, SetupError
from taximeter.events import CallEvent
from taximeter.pricing.price import price
from taximeter.totals import NOTHING, Totals

if TYPE_CHECKING:
    from taximeter.pricing.sheet import Sheet


class Purse:
    """A budget and what was spent of it. It is overshot by no more than the calls that are under way."""

    def __init__(self, budget: Budget, sheet: Sheet, spent: Totals | None = None) -> None:
        if budget.cost is not None and not any(level.entries or level.default for level in sheet.chain()):
            hint = "give it prices, or limit tokens or calls"
            raise SetupError(Problem("the price sheet has no prices, so no cost can be limited", hint, key="budget"))
        self.budget = budget
        self._sheet = sheet
        self._spent = spent or NOTHING
        self._began = perf_counter_ns()
        self._warned: set[str] = set()
        self._lock = threading.RLock()  # a signal handler may record, too

    @property
    def spent(self) -> Totals:
        """What the calls of this process have used."""
        return self._spent

    def in_child(self) -> None:
        """Takes it over in a forked child: a thread that is not there may have had the lock."""
        self._lock = threading.RLock()

    def take(self, call: CallEvent, prices: Sheet | None) -> None:
        """Takes a call out of it; `prices` are those that hold now, None if nobody has asked for them yet."""
        totals = Totals.of(call, price(call, prices or self._sheet))
        with self._lock:
            self._spent += totals
        near = self.budget.warns(self._spent, self._wall())
        if near is not None and near.figure not in self._warned:
            self._warned.add(near.figure)
            logging.getLogger("taximeter").warning("the budget is nearly used up: %s", self._words(near))

    def admit(self) -> None:
        """Returns if there is something left, else BudgetExceeded."""
        over = self.budget.check(self._spent, self._wall())
        if over is not None:
            raise BudgetExceeded(f"the budget is used up: {self._words(over)}; no more calls are made")

    def _wall(self) -> float:
        return (perf_counter_ns() - self._began) / 1e9

    def _words(self, use: Use) -> str:
        return use.words(self._sheet.currency)


def budget_of(given: Budget | str | float) -> Budget:
    """A budget as a program gives it: a `Budget`, money as a number, or text as `parse_budget` reads it.

    SetupError that says what is wrong.
    """
    if isinstance(given, Budget):
        return given
    try:
        return parse_budget(str(given))
    except ValueError as error:
        raise SetupError(Problem(f"the budget {given!r} cannot be used: {error}", key="budget")) from None
