"""Durations, sizes, amounts and numbers of copies as people write them: a number, its unit behind it, or a word."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from taximeter.yamldoc.authored import Rule
from taximeter.yamldoc.words import NUMBER

QUANTITY = "quantity"
"""Kind of the error that pydantic is told; its context says what is wanted and how to write it."""

AUTO: Final = "auto"
MOST_COPIES = 10_000

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, **{unit: 1000**power for power, unit in enumerate(("kB", "MB", "GB", "TB"), 1)}} | {
    unit: 1024**power for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), 1)
}
_LONGEST = 365 * 86400.0
_LARGEST = 2**60
_NUMBER = r"\d+(?:\.\d+)?"
_TIME = rf"({_NUMBER}) ?(ms|s|m|h|d)"
_TIMES = rf"^{_NUMBER} ?(ms|s|m|h|d)(?: ?{_NUMBER} ?(ms|s|m|h|d))*$"
_SIZE = rf"^({_NUMBER}) ?({'|'.join(_BYTES)})$"
"""Patterns; compiled where there is text."""


class QuantityError(ValueError):
    """What is written is no such quantity."""

    def __init__(self, what: str, wanted: str, hint: str | None) -> None:
        super().__init__(what)
        self.wanted = wanted
        """What it must be."""
        self.hint = hint
        """How to write it."""


def seconds(value: Any) -> float:
    """Seconds of a number, or of text like `1h 30m`; QuantityError if it is none, or more than a year."""
    found = value
    if isinstance(value, str) and re.match(_TIMES, value):
        found = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_TIME, value))
    if not _is_number(found) or not 0 <= found <= _LONGEST:
        hint = "write it like 90, 1.5s, 30m or 1h 30m, at most 365d"
        raise QuantityError("not a duration", "seconds, or a duration", hint)
    return float(found)


def size(value: Any) -> int:
    """Bytes of a number, or of text like `2GiB`; QuantityError if it is none."""
    found = value
    if isinstance(value, str) and (match := re.match(_SIZE, value)):
        found = round(float(match[1]) * _BYTES[match[2]])
    if not isinstance(found, int) or isinstance(found, bool) or not 0 < found <= _LARGEST:
        hint = "write it like 500000000, 512MiB, 2GiB or 1.5GB"
        raise QuantityError("not a size", "bytes, or a size", hint)
    return found


def copies(value: Any) -> int | Literal["auto"]:
    """A whole number, or `auto`; QuantityError if it is neither, or too large."""
    if value == AUTO:
        return AUTO
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MOST_COPIES:
        wanted = f"a whole number from 1 to {MOST_COPIES}, or `auto`"
        raise QuantityError("not a number of copies", wanted, "write it like 8")
    return value


def by_its_digits(value: Any) -> Decimal:
    """A number of the file as it is written there: 0.1 is a tenth, not the nearest binary fraction."""
    if _is_number(value):
        return Decimal(repr(value))
    is_quoted = isinstance(value, str) and re.fullmatch(r"\d*\.?\d+", value)
    raise QuantityError("not a number", NUMBER, f"write {value} without quotes" if is_quoted else None)


def _plain_amount(value: Any) -> Decimal:
    """The same, of an amount that is surely within all limits."""
    amount = by_its_digits(value)
    if not (amount.is_finite() and 0 < amount < 10**15 and amount == round(amount, 12)):
        raise ValueError("this may not be an amount")
    return amount


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def told(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same function for pydantic: what it raises is an error that `explain` has words for."""
    from pydantic_core import PydanticCustomError

    def reading(value: Any) -> Any:
        try:
            return read(value)
        except QuantityError as error:
            context = {"wanted": error.wanted, "hint": error.hint}
            raise PydanticCustomError(QUANTITY, "not a quantity", context) from None

    return reading


def _rule(read: Callable[[Any], Any], schema: dict[str, Any], **limits: Any) -> Callable[[], tuple[Any, ...]]:
    def exactly() -> tuple[Any, ...]:
        from pydantic import BeforeValidator, Field, WithJsonSchema

        return (BeforeValidator(told(read)), *([Field(**limits)] if limits else []), WithJsonSchema(schema))

    return exactly


_A_DURATION = {"anyOf": [{"type": "number", "minimum": 0, "maximum": _LONGEST}, {"type": "string", "pattern": _TIMES}]}
_A_SIZE = {
    "anyOf": [
        {"type": "integer", "exclusiveMinimum": 0, "maximum": _LARGEST},
        {"type": "string", "pattern": _SIZE},
    ]
}
_COPIES = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_COPIES}, {"const": AUTO}]}
_AN_AMOUNT = {"type": "number", "exclusiveMinimum": 0}

Duration = Annotated[float, Rule(_rule(seconds, _A_DURATION), seconds)]
"""Seconds, as a number or as text like `30m`."""

Timespan = Annotated[Duration, Meta(gt=0)]
"""The same, and more than nothing."""

Size = Annotated[int, Rule(_rule(size, _A_SIZE), size)]
"""Bytes, as a number or as text like `2GiB`."""

Copies = Annotated[int | Literal["auto"], Rule(_rule(copies, _COPIES), copies)]
"""How many there are of something, or `auto`."""

Amount = Annotated[
    Decimal, Rule(_rule(by_its_digits, _AN_AMOUNT, gt=0, max_digits=30, decimal_places=12), _plain_amount)
]
"""Money, and more than nothing."""
