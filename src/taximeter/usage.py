"""Token counts of one call, in the terms of the OpenTelemetry GenAI conventions."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import Annotated

import msgspec

MAX_TOKENS = 2**63 - 1
"""No count is larger: it must fit a signed 64-bit column."""

MAX_MONEY = 10**12
"""No single call costs more, and no rate is higher: it must leave room for exact sums of many calls."""

Tokens = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)]

Counts = tuple[tuple[str, Tokens], ...]
"""Open counts by name, sorted, each name once: a mapping that can be hashed. Made by `counts`."""


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What one call used. The two totals are inclusive; every other token count is a subset of one of them.

    A number that the provider did not give is absent (None), never 0.
    """

    input_tokens: Tokens | None = None
    """All input tokens: cached, written to the cache, of tools and of every modality included."""

    output_tokens: Tokens | None = None
    """All output tokens, reasoning included."""

    cache_read_input_tokens: Tokens | None = None
    """Input tokens answered from the provider's cache."""

    cache_write_input_tokens: Tokens | None = None
    """Input tokens written to the provider's cache, for however long."""

    tool_use_input_tokens: Tokens | None = None
    """Input tokens that results of tools made."""

    reasoning_output_tokens: Tokens | None = None
    """Output tokens the model thought with."""

    text_input_tokens: Tokens | None = None
    image_input_tokens: Tokens | None = None
    audio_input_tokens: Tokens | None = None
    video_input_tokens: Tokens | None = None
    text_output_tokens: Tokens | None = None
    image_output_tokens: Tokens | None = None
    audio_output_tokens: Tokens | None = None
    video_output_tokens: Tokens | None = None
    text_cache_read_input_tokens: Tokens | None = None
    """Text among `cache_read_input_tokens`; and so on."""

    image_cache_read_input_tokens: Tokens | None = None
    audio_cache_read_input_tokens: Tokens | None = None
    video_cache_read_input_tokens: Tokens | None = None
    cache_write_by_ttl: Counts = ()
    """`cache_write_input_tokens` by how long they are kept, as the provider names it (`5m`, `1h`)."""

    counters: Counts = ()
    """What is billed by the piece and is not a token: web searches, images, pages."""


# Here and not at the first use, which a signal handler or another thread may interrupt with a use of its own: msgspec
# would crash the process if it were asked for a type that it is in the middle of taking apart.
NO_USAGE = msgspec.convert({}, Usage)
"""Nobody said anything."""

MODALITIES = ("text", "image", "audio", "video")
SUBSETS = tuple(name for name in Usage.__struct_fields__ if name.endswith("_tokens"))[2:]
"""Names of the token counts that are contained in one of the totals."""

OPEN_COUNTS = ("cache_write_by_ttl", "counters")
"""Names of the counts with open keys."""


def counts(named: dict[str, int]) -> Counts:
    """Open counts of a mapping."""
    return tuple(sorted(named.items()))


def believable_money(value: object) -> Decimal | None:
    """An amount from 0 to MAX_MONEY, as it was written; None if it cannot be one."""
    try:
        amount = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if not isinstance(value, bool) and amount.is_finite() and 0 <= amount <= MAX_MONEY else None


def modality_tokens(usage: Usage) -> Counts:
    """Tokens by the name of the field, of the modalities of which there are any."""
    given = _modalities(usage)
    if not any(given):
        return ()
    return tuple((name, tokens) for name, tokens in zip(_MODALITY_NAMES, given, strict=True) if tokens)


def violations(usage: Usage) -> tuple[str, ...]:
    """What cannot all be true: parts that do not overlap, and are together more than the whole that contains them.

    A part whose whole nobody gave contradicts nothing.
    """
    return () if is_consistent(usage) else (*_excesses(usage, _CONTAINED), *_excesses_by_lifetime(usage))


def is_consistent(usage: Usage) -> bool:
    """Whether no part is larger than the whole that contains it."""
    whole, of_tools, written = usage.input_tokens, usage.tool_use_input_tokens or 0, usage.cache_write_input_tokens
    cached = (usage.cache_read_input_tokens or 0) + (written or 0)
    if whole is not None and (cached > whole or of_tools > whole):
        return False
    if usage.output_tokens is not None and (usage.reasoning_output_tokens or 0) > usage.output_tokens:
        return False
    if usage.cache_write_by_ttl:
        kept = sum(tokens for _, tokens in usage.cache_write_by_ttl)
        if (written is not None and kept > written) or (whole is not None and kept > whole):
            return False
    return not any(_modalities(usage)) or next(_excesses(usage, _OF_MODALITIES), None) is None


class _Parts:
    """Counts that do not overlap, and the one that contains them."""

    def __init__(self, whole: str, parts: tuple[str, ...]) -> None:
        self.whole = whole
        self.parts = parts
        self.get = attrgetter(whole, *parts)


def _by_modality(whole: str) -> tuple[str, ...]:
    return tuple(f"{modality}_{whole}" for modality in MODALITIES)


_OF_MODALITIES = (
    _Parts("input_tokens", _by_modality("input_tokens")),
    _Parts("output_tokens", _by_modality("output_tokens")),
    _Parts("cache_read_input_tokens", _by_modality("cache_read_input_tokens")),
    _Parts("input_tokens", _by_modality("cache_read_input_tokens")),
    *(_Parts(f"{modality}_input_tokens", (f"{modality}_cache_read_input_tokens",)) for modality in MODALITIES),
)
_CONTAINED = (
    _Parts("input_tokens", ("cache_read_input_tokens", "cache_write_input_tokens")),
    _Parts("input_tokens", ("tool_use_input_tokens",)),
    _Parts("output_tokens", ("reasoning_output_tokens",)),
    *_OF_MODALITIES,
)
_MODALITY_NAMES = tuple(sorted(name for name in SUBSETS if name.startswith(MODALITIES)))
_modalities = attrgetter(*_MODALITY_NAMES)


def _excesses(usage: Usage, rules: tuple[_Parts, ...]) -> Iterator[str]:
    for rule in rules:
        whole, *parts = rule.get(usage)
        if whole is not None and any(parts):
            used = sum(part or 0 for part in parts)
            if used > whole:
                yield f"{' + '.join(rule.parts)} {used} > {rule.whole} {whole}"


def _excesses_by_lifetime(usage: Usage) -> Iterator[str]:
    kept = sum(tokens for _, tokens in usage.cache_write_by_ttl)
    for name in ("cache_write_input_tokens", "input_tokens"):
        whole = getattr(usage, name)
        if whole is not None and kept > whole:
            yield f"cache_write_by_ttl {kept} > {name} {whole}"
