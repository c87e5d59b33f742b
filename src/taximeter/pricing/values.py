"""Rates, days and other values of a price sheet, as its author writes them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from taximeter.pricing.units import TTL
from taximeter.yamldoc import show
from taximeter.yamldoc.quantities import by_its_digits, told

MAX_RATE = 10**9
"""Nothing costs more; sums of very many calls have to fit."""

_PLAIN = WithJsonSchema({"type": "number", "minimum": 0})
Rate = Annotated[Decimal, BeforeValidator(told(by_its_digits)), Field(ge=0, le=MAX_RATE, decimal_places=12), _PLAIN]
Factor = Annotated[Decimal, BeforeValidator(told(by_its_digits)), Field(ge=0, le=1000, decimal_places=12), _PLAIN]


class Shape(msgspec.Struct, frozen=True):
    """A text of a certain shape, and how it is said that another one is none."""

    pattern: str
    what: str
    example: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """The text, checked."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The pattern, for editors."""
        return {**handler(schema), "pattern": self.pattern}

    def _checked(self, text: str) -> str:
        if re.search(self.pattern, text):
            return text
        context = {"text": show(text), "what": self.what, "hint": f"write it like {self.example}"}
        raise PydanticCustomError("setup", "{text} is not {what}", context)


Ttl = Annotated[str, Shape(f"^{TTL}$", "a time to live", "5m or 1h")]
Day = Annotated[str, Shape(r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$", "a day", "2026-03-01 or 2026-03-01T12:00Z")]
"""A day, from its first second, or a moment such as `2026-03-01T12:00Z`; in UTC."""

Hours = Annotated[str, Shape(r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$", "a time of the day", "16:30-00:30")]
Currency = Annotated[str, Shape(r"^[A-Z]{3}$", "a currency", "EUR")]
