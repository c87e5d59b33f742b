"""Puts every token of a call into exactly one bucket: the most specific that has a rate."""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

from taximeter.pricing.units import (
    CACHE_READ,
    CACHE_WRITE,
    INPUT,
    MODAL_INPUT,
    MODAL_OUTPUT,
    MODAL_READ,
    OUTPUT,
    REASONING,
    TOOL_USE,
    cache_write,
)
from taximeter.usage import Usage

Bucket = tuple[str, int]
"""A unit and how many of it."""

READ_AT_FULL_RATE = "tokens read from a cache are charged as plain input: they have no rate of their own"
WRITTEN_AT_FULL_RATE = "tokens written to a cache are charged as plain input: they have no rate of their own"
TTL_NOT_TOLD = "for how long tokens were cached is not told: charged by the shortest time"
OVERLAP = "how many of the cached tokens are of which modality is not told"
CONTRADICTION = "the parts of the usage are more than the whole"

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TTL_UNIT = re.compile(r"cache_write_(\d+)([smhd])_input_tokens")

_TWINS = dict(zip(MODAL_INPUT, MODAL_READ, strict=True))
"""What was read from a cache, by the unit of all input of the same modality."""


class Rated(msgspec.Struct, frozen=True, gc=False):
    """The units that have a rate, and what has to be known of them for every call."""

    units: frozenset[str]
    modal_input: tuple[str, ...]
    """Those of one modality: its plain input,"""

    modal_read: tuple[str, ...]
    """what was read of it from a cache,"""

    modal_output: tuple[str, ...]
    """and its output."""

    shortest_write: str | None
    """Of the cache writes by time to live, the one that is kept shortest."""

    @classmethod
    def of(cls, units: Collection[str]) -> Rated:
        """What is to be known of these units."""
        timed = (match for unit in units if (match := _TTL_UNIT.fullmatch(unit)))
        shortest = min(timed, key=_lifetime, default=None)
        modal = [tuple(unit for unit in of if unit in units) for of in (MODAL_INPUT, MODAL_READ, MODAL_OUTPUT)]
        return cls(frozenset(units), modal[0], modal[1], modal[2], shortest and shortest.string)


def split(usage: Usage, rated: Rated) -> tuple[list[Bucket], str | None]:
    """Buckets that are not empty, and why the split is a guess if it is one.

    Tokens of the cache come first, as they do in a prompt; plain tokens come last.
    """
    buckets, doubt = _special_input(usage, rated)
    fits = _fill(buckets, usage.input_tokens or 0, INPUT)
    if usage.output_tokens:
        out = _special_output(usage, rated) if rated.modal_output or REASONING in rated.units else []
        fits &= _fill(out, usage.output_tokens, OUTPUT)
        buckets += out
    return buckets, doubt if fits else CONTRADICTION


def _fill(buckets: list[Bucket], whole: int, rest: str) -> bool:
    """Adds what is left of the whole; buckets that are together more than it are cut, and the answer is False."""
    left = whole
    for _, tokens in buckets:
        left -= tokens
    if left > 0:
        buckets.append((rest, left))
    elif left < 0:
        cut = []
        for unit, tokens in buckets:
            cut.append((unit, min(tokens, whole)))
            whole -= cut[-1][1]
        buckets[:] = [bucket for bucket in cut if bucket[1]]
    return left >= 0


def _special_input(usage: Usage, rated: Rated) -> tuple[list[Bucket], str | None]:
    """Input tokens with a rate of their own, and why that is a guess if it is one."""
    found = _of(usage, rated.modal_read) if rated.modal_read else []
    plain = _plain(usage, rated) if rated.modal_input else []
    doubt: str | None = None
    read = usage.cache_read_input_tokens or 0
    for _, tokens in found:
        read -= tokens
    if read > 0:
        if CACHE_READ in rated.units:
            found.append((CACHE_READ, read))
        else:
            doubt = READ_AT_FULL_RATE
    if usage.cache_write_input_tokens or usage.cache_write_by_ttl:
        written, doubtful = _written(usage, rated)
        found += written
        doubt = doubtful or doubt
    if usage.tool_use_input_tokens and TOOL_USE in rated.units:
        found.append((TOOL_USE, usage.tool_use_input_tokens))
    if plain and found and _may_overlap(usage, plain):
        doubt = OVERLAP
    return found + plain if plain else found, doubt


def _special_output(usage: Usage, rated: Rated) -> list[Bucket]:
    """Output tokens with a rate of their own."""
    found = _of(usage, rated.modal_output)
    if usage.reasoning_output_tokens and REASONING in rated.units:
        found.append((REASONING, usage.reasoning_output_tokens))
    return found


def _of(usage: Usage, units: tuple[str, ...]) -> list[Bucket]:
    return [(unit, tokens) for unit in units if (tokens := getattr(usage, unit))]


def _plain(usage: Usage, rated: Rated) -> list[Bucket]:
    """Input tokens of each modality that has a rate of its own, without those that were read from a cache."""
    plain = []
    for unit, tokens in _of(usage, rated.modal_input):
        twin = _TWINS[unit]
        apart = getattr(usage, twin) or 0 if twin in rated.units or CACHE_READ in rated.units else 0
        if tokens > apart:
            plain.append((unit, tokens - apart))
    return plain


def _may_overlap(usage: Usage, plain: list[Bucket]) -> bool:
    """Whether tokens may be both of a modality and cached, and nobody says how many."""
    if usage.cache_write_input_tokens:
        return True
    told = sum(getattr(usage, twin) or 0 for twin in _TWINS.values())
    if told == usage.cache_read_input_tokens:
        return False  # a modality that is not named has no part in it
    return any(getattr(usage, _TWINS[unit]) is None for unit, _ in plain)


def _written(usage: Usage, rated: Rated) -> tuple[list[Bucket], str | None]:
    """What was written to the cache, by time to live where it is told."""
    any_ttl = CACHE_WRITE in rated.units
    if rated.shortest_write is None and not any_ttl:
        return [], WRITTEN_AT_FULL_RATE
    found: list[Bucket] = []
    told = 0
    for ttl, tokens in usage.cache_write_by_ttl:
        unit = cache_write(ttl)
        told += tokens
        if tokens:
            found.append((CACHE_WRITE if any_ttl and unit not in rated.units else unit, tokens))
    rest = (usage.cache_write_input_tokens or 0) - told
    if rest <= 0:
        return found, None
    if rated.shortest_write is None or any_ttl:
        return [*found, (CACHE_WRITE, rest)], None
    return [*found, (rated.shortest_write, rest)], TTL_NOT_TOLD


def _lifetime(unit: re.Match[str]) -> int:
    return int(unit[1]) * _SECONDS[unit[2]]
