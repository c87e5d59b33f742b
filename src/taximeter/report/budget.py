"""How much of a budget is used, in the words of a report."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import reduce
from operator import add

from taximeter.budget import Budget, Use
from taximeter.report import records
from taximeter.totals import NOTHING, Totals


def budget_record(budget: Budget, leaves: Iterable[Totals], wall_seconds: float | None) -> list[records.BudgetUse]:
    """The limits of a budget and what was used of each, by what these totals say together."""
    if not budget:
        return []
    uses = budget.uses(reduce(add, leaves, NOTHING), wall_seconds or 0.0)
    return [records.BudgetUse(figure=use.figure, used=float(use.used), limit=float(use.limit)) for use in uses]


def words(use: records.BudgetUse, currency: str) -> str:
    """`$4.10 of $5.00 (82 %)`."""
    return Use(use.figure, Decimal(repr(use.used)), Decimal(repr(use.limit))).words(currency)
