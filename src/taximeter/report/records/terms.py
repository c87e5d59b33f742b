"""Words and numbers of the records of a report, and what all records have in common."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Figure = Literal["exact", "sampled", "missing"]
CostStatus = Literal["priced", "partial", "estimated", "unpriced"]
Status = Literal["pending", "running", "done", "failed", "cancelled", "skipped", "reused", "lost", "over_budget"]

Count = Annotated[int, Meta(ge=0)]
Tokens = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, Meta(ge=0)]

MONEY = "money"
"""Marks an amount: no less than nothing, at most 50 digits, 12 of them decimals."""

Money = Annotated[Decimal, MONEY]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A record that nobody changes and that has no other fields. `schemas` has the pydantic class of each."""
