"""genai-prices as one compiled sheet: read by drivers and builds only, once for each of its versions.

Its ways are kept: the first model of a provider that matches counts, later dates win, and prices at times of the day
go before. What it does silently is not: see `price`, which says so when a kind of request or a unit has no price.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from taximeter.pricing import cache
from taximeter.pricing.match import Pattern
from taximeter.pricing.sheet import Entry, Provider, Rate, Rates, Sheet, Step, Tiers, Validity, Variant
from taximeter.pricing.units import cache_write
from taximeter.usage import MODALITIES

if TYPE_CHECKING:
    from genai_prices import types

_KINDS = frozenset({"processing", "service_tier", "speed"})
"""What a variant may depend on and a call tells; the others (`route`, `search_type`) are not known of a call."""

_KEYS = {
    "input_mtok": "input_tokens",
    "output_mtok": "output_tokens",
    "cache_read_mtok": "cache_read_input_tokens",
    "cache_write_mtok": "cache_write_input_tokens",
    "cache_write_5m_mtok": cache_write("5m"),
    "cache_write_1h_mtok": cache_write("1h"),
    "input_tool_mtok": "tool_use_input_tokens",
    "output_reasoning_mtok": "reasoning_output_tokens",
    **{f"input_{m}_mtok": f"{m}_input_tokens" for m in MODALITIES},
    **{f"output_{m}_mtok": f"{m}_output_tokens" for m in MODALITIES},
    **{f"cache_{m}_read_mtok": f"{m}_cache_read_input_tokens" for m in MODALITIES},
}
"""Our units by the keys of its prices; all others are counters by its own names."""


def compiled() -> bytes:
    """The compiled sheet of the installed version, from the cache or made now."""
    known = cached()
    if known is None:
        known = compile_world().encoded
        cache.keep(_name(), known)
    return known


def cached() -> bytes | None:
    """The same without reading genai-prices: None if nobody has compiled it here."""
    return cache.read(_name())


def _name() -> str:
    return f"genai-prices-{version('genai-prices')}"


def compile_world() -> Sheet:
    """All prices of genai-prices (about a second)."""
    from genai_prices.data import providers

    return Sheet(
        name=f"genai-prices {version('genai-prices')}",
        entries=tuple(entry for p in providers for model in p.models for entry in _entries(p, model)),
        providers=tuple(
            Provider(
                id=p.id,
                names=None if p.provider_match is None else _pattern(p.provider_match),
                models=None if p.model_match is None else _pattern(p.model_match),
                fallbacks=tuple(p.fallback_model_providers or ()),
            )
            for p in providers
        ),
    )


def _entries(provider: types.Provider, model: types.ModelInfo) -> Iterator[Entry]:
    """One entry for each time between two dates at which something of a model changes."""
    from genai_prices import types

    prices = (
        [types.ConditionalPrice(prices=model.prices)] if isinstance(model.prices, types.ModelPrice) else model.prices
    )
    variants = [v for v in model.price_variants or () if v.when.keys() <= _KINDS]
    constraints = [*(p.constraint for p in prices), *(v.constraint for v in variants)]
    starts = sorted({day for constraint in constraints if (day := _start(constraint))})
    match = _alternatives(_pattern(model.match))
    for start, end in zip([None, *starts], [*starts, None], strict=True):
        # The last price that has begun, and those at times of the day that stand behind it; else the first one.
        begun = [i for i, p in enumerate(prices) if not _is_daily(p.constraint) and _has_begun(p.constraint, start)]
        standard = begun[-1] if begun else 0
        rates, tiers = _rates(prices[standard].prices)
        daily = [p for p in prices[standard + 1 :] if _is_daily(p.constraint)]
        yield Entry(
            name=f"{provider.id}/{model.id}",
            match=match,
            provider=provider.id,
            valid=Validity(_seconds(start), _seconds(end)),
            rates=rates,
            tiers=tiers,
            variants=(
                *(_variant(v.when, v.prices) for v in variants if _has_begun(v.constraint, start)),
                *(_variant({"hours": _hours(p.constraint)}, p.prices) for p in reversed(daily)),
            ),
            source="".join((provider.pricing_urls or [])[:1]) or None,
        )


def _variant(when: dict[str, str], prices: types.ModelPrice) -> Variant:
    rates, tiers = _rates(prices)
    return Variant(when=when, rates=rates, tiers=tiers)


def _rates(prices: types.ModelPrice) -> tuple[Rates, Tiers | None]:
    from genai_prices import types
    from genai_prices.data_units import unit_data

    per = {unit.get("price_key", key): (key, unit["per"]) for key, unit in unit_data.items()}
    rates: Rates = {}
    steps: dict[int, Rates] = {}
    for key, price in prices.__dict__.items():
        if price is None or key not in per:
            continue
        name, amount = per[key]
        unit = _KEYS.get(key, name)
        if isinstance(price, types.TieredPrices):
            rates[unit] = Rate(price.base, amount)
            for tier in price.tiers:
                steps.setdefault(tier.start, {})[unit] = Rate(tier.price, amount)
        else:
            rates[unit] = Rate(price, amount)
    tiers = tuple(Step(start, steps[start]) for start in sorted(steps))
    return rates, Tiers("input_tokens", "cliff", tiers) if tiers else None


def _alternatives(pattern: Pattern) -> tuple[Pattern, ...]:
    return pattern.parts if pattern.kind == "any" else (pattern,)


def _pattern(clause: types.MatchLogic) -> Pattern:
    from genai_prices import types

    match clause:
        case types.ClauseOr():
            return Pattern("any", parts=tuple(map(_pattern, clause.or_)))
        case types.ClauseAnd():
            return Pattern("all", parts=tuple(map(_pattern, clause.and_)))
        case types.ClauseEquals():
            return Pattern("equals", clause.equals.lower())
        case types.ClauseStartsWith():
            return Pattern("starts_with", clause.starts_with.lower())
        case types.ClauseEndsWith():
            return Pattern("ends_with", clause.ends_with.lower())
        case types.ClauseContains():
            return Pattern("contains", clause.contains.lower())
        case types.ClauseRegex():
            return Pattern("regex", clause.regex)


def _start(constraint: object) -> date | None:
    return getattr(constraint, "start_date", None)


def _is_daily(constraint: object) -> bool:
    return hasattr(constraint, "start_time")


def _has_begun(constraint: object, at: date | None) -> bool:
    start = _start(constraint)
    return start is None or (at is not None and start <= at)


def _hours(constraint: Any) -> str:
    return f"{constraint.start_time:%H:%M}-{constraint.end_time:%H:%M}"


def _seconds(day: date | None) -> float | None:
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
