"""Durations and sizes as people write them: a number, or a number with its unit."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from taximeter.yamldoc.words import NUMBER

QUANTITY = "quantity"
"""Kind of the error; its context says what is wanted and how to write it."""

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, **{unit: 1000**power for power, unit in enumerate(("kB", "MB", "GB", "TB"), 1)}} | {
    unit: 1024**power for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), 1)
}
_LONGEST = 365 * 86400.0
_LARGEST = 2**60
_NUMBER = r"\d+(?:\.\d+)?"
_TIME = re.compile(rf"({_NUMBER}) ?(ms|s|m|h|d)")
_TIMES = re.compile(rf"^{_NUMBER} ?(ms|s|m|h|d)(?: ?{_NUMBER} ?(ms|s|m|h|d))*$")
_SIZE = re.compile(rf"^({_NUMBER}) ?({'|'.join(_BYTES)})$")


def _seconds(value: Any) -> float:
    seconds = value
    if isinstance(value, str) and _TIMES.match(value):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _TIME.findall(value))
    if not _is_number(seconds) or not 0 <= seconds <= _LONGEST:
        context = {"wanted": "seconds, or a duration", "hint": "write it like 90, 1.5s, 30m or 1h 30m, at most 365d"}
        raise PydanticCustomError(QUANTITY, "not a duration", context)
    return float(seconds)


def _bytes(value: Any) -> int:
    size = value
    if isinstance(value, str) and (match := _SIZE.match(value)):
        size = round(float(match[1]) * _BYTES[match[2]])
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= _LARGEST:
        context = {"wanted": "bytes, or a size", "hint": "write it like 500000000, 512MiB, 2GiB or 1.5GB"}
        raise PydanticCustomError(QUANTITY, "not a size", context)
    return size


def by_its_digits(value: Any) -> Any:
    """A number of the file as it is written there: 0.1 is a tenth, not the nearest binary fraction."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(repr(value))
    is_quoted = isinstance(value, str) and re.fullmatch(r"\d*\.?\d+", value)
    hint = f"write {value} without quotes" if is_quoted else None
    raise PydanticCustomError(QUANTITY, "not a number", {"wanted": NUMBER, "hint": hint})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


Duration = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": _LONGEST},
                {"type": "string", "pattern": _TIMES.pattern},
            ]
        }
    ),
]
"""Seconds, as a number or as text like `30m`."""

Timespan = Annotated[Duration, Field(gt=0)]
"""The same, and more than nothing."""

Size = Annotated[
    int,
    BeforeValidator(_bytes),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "exclusiveMinimum": 0, "maximum": _LARGEST},
                {"type": "string", "pattern": _SIZE.pattern},
            ]
        }
    ),
]
"""Bytes, as a number or as text like `2GiB`."""

Amount = Annotated[
    Decimal,
    BeforeValidator(by_its_digits),
    Field(gt=0, max_digits=30, decimal_places=12),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0}),
]
"""Money, and more than nothing."""
