"""Words and numbers of the records of a report, and what all records have in common."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from taximeter.yamldoc.authored import Rule

Figure = Literal["exact", "sampled", "missing"]
CostStatus = Literal["priced", "partial", "estimated", "unpriced"]
Status = Literal["pending", "running", "done", "failed", "cancelled", "skipped", "reused", "lost", "over_budget"]

Count = Annotated[int, Meta(ge=0)]
Tokens = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, Meta(ge=0)]


def _amount() -> tuple[Any, ...]:
    from pydantic import BeforeValidator, Field, WithJsonSchema

    schema = WithJsonSchema({"type": "number", "minimum": 0})
    return (BeforeValidator(_a_number), Field(ge=0, max_digits=50, decimal_places=12), schema)


def _a_number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("money is a plain number")
    return value


Money = Annotated[Decimal, Rule(_amount)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A record that nobody changes and that has no other fields. `schemas` has the pydantic class of each."""
