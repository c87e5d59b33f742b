"""What a figure must be to be true: each check gives the figure, or raises with the reason."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, SupportsFloat

from taximeter.recorder.record import RejectedError
from taximeter.redact import shown
from taximeter.usage import MAX_TOKENS, believable_money


def count(name: str, value: Any) -> int:
    """A whole number that fits a signed 64-bit column."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if isinstance(value, bool) or not 0 <= number <= MAX_TOKENS:
        raise RejectedError(f"{name} must be a whole number from 0 to 2**63 - 1, not {shown(value)}")
    return number


def counts(name: str, value: Any) -> dict[str, int]:
    """Whole numbers by name."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise RejectedError(f"{name} must be a mapping of names to counts, not {shown(value)}")
    return {key: count(f"{name}.{key:.40}", number) for key, number in value.items()}


def duration(name: str, value: Any) -> float:
    """Milliseconds."""
    number = float(value) if isinstance(value, SupportsFloat) and not isinstance(value, bool) else math.nan
    if not math.isfinite(number) or number < 0:
        raise RejectedError(f"{name} must be milliseconds, 0 or more, not {shown(value)}")
    return number


def money(name: str, value: Any) -> Decimal:
    """An amount of money, as it was written."""
    amount = believable_money(value)
    if amount is None:
        raise RejectedError(f"{name} must be an amount of money from 0 to 10**12, not {shown(value)}")
    return amount
