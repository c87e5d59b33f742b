"""Words and numbers of the records of a report, and what all records have in common."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

Figure = Literal["exact", "sampled", "missing"]
CostStatus = Literal["priced", "partial", "estimated", "unpriced"]
Status = Literal["pending", "running", "done", "failed", "cancelled", "skipped", "reused", "lost", "over_budget"]

Count = Annotated[int, Field(ge=0, strict=True)]
Tokens = Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)]
Seconds = Annotated[float, Field(ge=0)]


def _a_number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("money is a plain number")
    return value


Money = Annotated[
    Decimal,
    BeforeValidator(_a_number),
    Field(ge=0, max_digits=50, decimal_places=12),
    WithJsonSchema({"type": "number", "minimum": 0}),
]


class Record(BaseModel):
    """A record that nobody changes and that has no other fields."""

    # Deferred: a start would otherwise pay for the validators of every format, used or not.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
