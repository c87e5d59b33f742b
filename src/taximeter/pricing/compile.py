"""From the blocks of an authored sheet to the records of the compiled one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from taximeter.pricing import match
from taximeter.pricing.cost import DEFAULT
from taximeter.pricing.match import Pattern
from taximeter.pricing.providers import canonical
from taximeter.pricing.schema import (
    PER,
    PER_1K,
    TOKENS,
    CardBlock,
    CounterBlock,
    EntryBlock,
    LayerBlock,
    RatesBlock,
    TiersBlock,
    VariantBlock,
)
from taximeter.pricing.sheet import Entry, Layer, Rate, Rates, Step, Tiers, Validity, Variant
from taximeter.pricing.units import CACHE_WRITE, cache_write
from taximeter.redact import without_secrets


def named_card(name: str, card: CardBlock) -> Entry:
    """A card of the simple form: it means one model."""
    return _entry(card, name, (match.exact(name),))


def default_card(card: CardBlock) -> Entry:
    """The rates of models that are not listed."""
    return _entry(card, DEFAULT, ())


def entry(block: EntryBlock) -> Entry:
    """An entry of the full form; its name tells what it means, and from when."""
    patterns: list[Pattern] = [match.exact(alias) for alias in block.aliases]
    if block.model is not None:
        patterns.append(match.glob(block.model))
    if block.prefix is not None:
        patterns.append(Pattern("starts_with", block.prefix.lower()))
    if block.regex is not None:
        patterns.append(Pattern("regex", f"^(?:{block.regex})$"))
    if block.fine_tuned is not None:
        patterns.append(match.fine_tuned(block.fine_tuned))
    if block.path is not None:
        patterns.append(match.path(block.path))
    return _entry(block, entry_name(block), tuple(patterns), block.provider, block.region)


def entry_name(block: EntryBlock) -> str:
    """`anthropic/claude-x-*@2025-03-01`."""
    ways = (("", block.model), ("prefix ", block.prefix), ("regex ", block.regex), ("ft:", block.fine_tuned))
    meant = next((way + text for way, text in ways if text), block.path or "".join(block.aliases[:1]))
    front = f"{block.provider}/" if block.provider else ""
    region = f" {block.region}" if block.region else ""
    return f"{front}{meant}{region}{f'@{block.valid_from}' if block.valid_from else ''}"


def layer(block: LayerBlock) -> Layer:
    """A discount or a markup as a factor."""
    factor = Decimal(1) - block.discount if block.discount is not None else Decimal(1) + (block.markup or 0)
    return Layer(
        name=block.name,
        multiply=factor,
        match=() if block.model is None else (match.glob(block.model),),
        provider=None if block.provider is None else canonical(block.provider),
        valid=validity(block.valid_from, block.valid_to),
    )


def validity(start: str | None, end: str | None) -> Validity:
    """The time between two days or moments."""
    return Validity(_moment(start), _moment(end))


def _moment(day: str | None) -> float | None:
    return None if day is None else datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def _entry(
    card: CardBlock, name: str, patterns: tuple[Pattern, ...], provider: str | None = None, region: str | None = None
) -> Entry:
    per = PER[card.per or "1M"]
    return Entry(
        name=name,
        match=patterns,
        provider=None if provider is None else canonical(provider),
        region=None if region is None else region.lower(),
        valid=validity(card.valid_from, card.valid_to),
        currency=card.currency,
        free=card.free,
        rates=_simple_rates(card) | rates(card, per),
        tiers=_tiers(card.tiers, per),
        variants=tuple(_variant(block, per) for block in card.variants),
        source=card.source and without_secrets(card.source),
        as_of=card.as_of,
    )


def _simple_rates(card: CardBlock) -> Rates:
    return {unit: Rate(price, 1000) for key, unit in PER_1K.items() if (price := getattr(card, key)) is not None}


def rates(block: RatesBlock, per: int) -> Rates:
    """Rates by unit."""
    found = {unit: Rate(price, per) for key, unit in TOKENS.items() if (price := getattr(block, key)) is not None}
    if isinstance(block.cache_write, dict):
        found |= {cache_write(ttl): Rate(price, per) for ttl, price in block.cache_write.items()}
    elif block.cache_write is not None:
        found[CACHE_WRITE] = Rate(block.cache_write, per)
    for name, counter in block.counters.items():
        found[name] = Rate(counter.price, PER[counter.per]) if isinstance(counter, CounterBlock) else Rate(counter, 1)
    return found


def _tiers(block: TiersBlock | None, per: int) -> Tiers | None:
    if block is None:
        return None
    steps = sorted((Step(step.above, rates(step, per)) for step in block.steps), key=lambda step: step.above)
    return Tiers(block.threshold_on, block.mode, tuple(steps))


def _variant(block: VariantBlock, per: int) -> Variant:
    return Variant(
        block.when.model_dump(exclude_none=True), block.multiply, rates(block, per), _tiers(block.tiers, per)
    )
