"""The price sheet as its author writes it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from taximeter.yamldoc.block import Block, Text


def _by_its_digits(value: Any) -> Any:
    """A number of the file as it is written there: 0.1 is a tenth, not the nearest binary fraction."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(repr(value))
    hint = "write it without quotes" if isinstance(value, str) else None
    raise PydanticCustomError("setup", "a rate must be a number", {"hint": hint})


MAX_RATE = 10**6
"""Nothing costs more per 1,000 tokens; sums of very many calls have to fit."""

_PLAIN = WithJsonSchema({"type": "number", "minimum": 0})
Rate = Annotated[Decimal, BeforeValidator(_by_its_digits), Field(ge=0, le=MAX_RATE, decimal_places=12), _PLAIN]
_RATES = ("prompt_per_1k", "completion_per_1k", "cache_read_per_1k", "cache_write_per_1k")


class CardBlock(Block):
    """Rates of one model, in the sheet's currency per 1,000 tokens."""

    model_config = ConfigDict(title="Rate card")

    prompt_per_1k: Rate | None = None
    completion_per_1k: Rate | None = None
    cache_read_per_1k: Rate | None = None
    """Input tokens answered from the provider's cache; without it they are charged as plain input, as an estimate."""

    cache_write_per_1k: Rate | None = None
    """Input tokens written to the provider's cache; without it they are charged as plain input, as an estimate."""

    free: bool = False
    """Nothing is charged; stands in place of rates."""

    currency: Text | None = None
    """The sheet's currency, if it is given here at all."""

    source: Text | None = None
    """Where the figures come from."""

    as_of: Text | None = None
    """The day on which they were read there."""

    @model_validator(mode="after")
    def _free_or_rates(self) -> CardBlock:
        priced = any(getattr(self, name) is not None for name in _RATES)
        if self.free and priced:
            raise PydanticCustomError("setup", "a model that is free has no rates", {"hint": "keep one of the two"})
        if not self.free and not priced:
            hint = "give it `prompt_per_1k` and `completion_per_1k`, or `free: true`"
            raise PydanticCustomError("setup", "there is no rate here", {"hint": hint})
        return self


class PriceSheetBlock(Block):
    """Rates of models in one currency."""

    model_config = ConfigDict(title="Price sheet")

    updated_at: Text | None = None
    """The day on which the sheet was last changed."""

    currency: Text = "USD"
    models: dict[Text, CardBlock]
    """Rate cards by the name of the model."""

    default: CardBlock | None = None
    """Rates of a model that is not listed; what they price is an estimate."""
