"""Named values of a JSON object or of an object of an SDK, and the checks of what stands in them."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

from taximeter.normalize.reading import RejectedUsageError
from taximeter.redact import shown
from taximeter.usage import MAX_TOKENS, Counts, Usage, believable_money, counts

Fields = Mapping[str, Any]

Table = Mapping[str, "str | Table"]
"""Fields of a response that hold counts: what they are called here, or the table of what lies in them."""

ELSEWHERE = ""
"""In a table: a field that is known and holds no count."""

_NONE: Fields = {}
_DEEPEST, _MOST, _LONGEST = 4, 40, 200
"""Bounds of what is kept of a usage that nobody here understands."""


def fields(thing: object) -> Fields:
    """The values by name; empty if it has none. Reads what is there, and calls nothing of the SDK."""
    if type(thing) is dict:
        return thing
    values = getattr(thing, "__dict__", None)
    if values is None:
        return thing if isinstance(thing, Mapping) else _NONE
    extra = getattr(thing, "__pydantic_extra__", None)  # fields that the SDK's types do not know yet
    return {**values, **extra} if extra else values


def items(thing: object) -> list[Any]:
    """The elements of a list; empty if it is none."""
    return thing if isinstance(thing, list) else list(thing) if isinstance(thing, tuple) else []


def count(given: Fields, name: str) -> int | None:
    """A whole number from 0 to 2**63 - 1; None if it is not there. RejectedUsageError if it cannot be true."""
    value = given.get(name)
    if value is None or (type(value) is int and 0 <= value <= MAX_TOKENS):
        return value
    return _unusual(name, value)


def total(name: str, *parts: int | None) -> int | None:
    """The sum of the parts that are known; None if none is. RejectedUsageError if it is too large."""
    whole = None
    for part in parts:
        if part is not None:
            whole = part if whole is None else whole + part
    if whole is not None and whole > MAX_TOKENS:
        raise RejectedUsageError(f"{name} must be at most 2**63 - 1, not {shown(whole)}")
    return whole


def text(given: Fields, name: str) -> str | None:
    """A text; None if it is not there or is none."""
    value = given.get(name)
    if value is None or type(value) is str:
        return value or None
    if isinstance(value, Enum):
        value = value.value
    return value if isinstance(value, str) and value else None


def money(given: Fields, name: str) -> Decimal | None:
    """An amount of money; None if it is not there. RejectedUsageError if it cannot be true."""
    value = given.get(name)
    if value is None:
        return None
    amount = believable_money(value)
    if amount is None:
        raise RejectedUsageError(f"{name} must be an amount of money from 0 to 10**12, not {shown(value)}")
    return amount


def lifetimes(given: Fields, prefix: str, suffix: str) -> Counts:
    """Tokens by the lifetime in the names of their fields, such as `ephemeral_5m_input_tokens` or `ttl_30m_tokens`."""
    kept: dict[str, int] = {}
    for name in given:
        if name.startswith(prefix) and name.endswith(suffix):
            tokens = count(given, name)
            if tokens:
                kept[name[len(prefix) : -len(suffix)]] = tokens
    return counts(kept)


def sort(given: Fields, table: Table, found: dict[str, int]) -> dict[str, Any]:
    """Puts the counts that a table names into `found`, and gives what the table does not know, as plain values.

    Zeros and empty values that are not known say nothing; of two fields for one count that differ, the first one counts
    and the other is not known. RejectedUsageError if a count cannot be true.
    """
    unknown: dict[str, Any] = {}
    for name, value in given.items():
        place = table.get(name)
        if place is ELSEWHERE or (value is None and place is not None):
            continue
        if isinstance(place, str):
            number = value if type(value) is int and 0 <= value <= MAX_TOKENS else _unusual(name, value)
            if number is not None and found.setdefault(place, number) != number:
                unknown[name] = number
        elif place is None:
            if _says_something(value):
                unknown[name] = plain(value)
        else:
            inside = sort(fields(value), place, found)
            if inside:
                unknown[name] = inside
    return unknown


def usage(found: dict[str, int], lifetimes: Counts = (), *counters: str) -> Usage:
    """The usage of these counts by its names for them; those that are billed by the piece are named by `counters`."""
    pieces = {name: number for name in counters if (number := found.pop(name, 0))}
    return Usage(**found, cache_write_by_ttl=lifetimes, counters=counts(pieces) if pieces else ())


def plain(value: object, depth: int = 0) -> Any:
    """A foreign value as JSON, bounded in depth, width and length, so that it never holds a response."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value[:_LONGEST]
    if depth == _DEEPEST:
        return "…"
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value[:_MOST]]
    named = list(fields(value).items())[:_MOST]
    return {str(name)[:_LONGEST]: plain(item, depth + 1) for name, item in named if _says_something(item)}


def _says_something(value: object) -> bool:
    return isinstance(value, bool | float) or bool(value)


def _unusual(name: str, value: object) -> int | None:
    """A count that is not an integer of Python: some SDKs give floats and objects of their own."""
    number = -1
    if isinstance(value, float):
        number = int(value) if value.is_integer() else -1
    elif not isinstance(value, bool):
        try:
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            if not value and not isinstance(value, str):
                return None  # a mark of the SDK that the field was not set
    if not 0 <= number <= MAX_TOKENS:
        raise RejectedUsageError(f"{name} must be a whole number from 0 to 2**63 - 1, not {shown(value)}")
    return number
