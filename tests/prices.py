"""Compiled price entries for tests."""

from __future__ import annotations

from decimal import Decimal

from taximeter.pricing.match import exact
from taximeter.pricing.sheet import Entry, Rate
from taximeter.pricing.units import CACHE_READ, CACHE_WRITE, INPUT, OUTPUT


def card(
    name: str,
    prompt: str | Decimal | None = None,
    completion: str | Decimal | None = None,
    cache_read: str | Decimal | None = None,
    cache_write: str | Decimal | None = None,
    free: bool = False,
) -> Entry:
    """Rates of one model per 1,000 tokens."""
    given = {INPUT: prompt, OUTPUT: completion, CACHE_READ: cache_read, CACHE_WRITE: cache_write}
    rates = {unit: Rate(Decimal(price), 1000) for unit, price in given.items() if price is not None}
    return Entry(name=name, match=(exact(name),), rates=rates, free=free)
