"""How far a budget is used."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from taximeter.report.records.terms import Record


class BudgetUse(Record):
    """How much of one limit of a budget is used."""

    figure: Literal["cost", "tokens", "calls", "wall", "unpriced"]
    """`wall` in seconds; `unpriced` counts the calls without a full price, of which there may be none."""

    used: Annotated[float, Field(ge=0)]
    limit: Annotated[float, Field(ge=0)]
