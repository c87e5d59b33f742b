"""How far a budget is used."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from taximeter.report.records.terms import Record


class BudgetUse(Record, frozen=True, kw_only=True):
    """How much of one limit of a budget is used."""

    figure: Literal["cost", "tokens", "calls", "wall", "unpriced"]
    """`wall` in seconds; `unpriced` counts the calls without a full price, of which there may be none."""

    used: Annotated[float, Meta(ge=0)]
    limit: Annotated[float, Meta(ge=0)]
