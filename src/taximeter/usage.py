"""Token counts of one call, in the terms of the OpenTelemetry GenAI conventions."""

from __future__ import annotations

import msgspec


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What one call used. The two totals are inclusive; every other count is a subset of one of them.

    A number that the provider did not give is absent (None), never 0.
    """

    input_tokens: int | None = None
    """All input tokens: cached, written to the cache, of tools and of every modality included."""

    output_tokens: int | None = None
    """All output tokens, reasoning included."""

    cache_read_input_tokens: int | None = None
    """Input tokens answered from the provider's cache."""

    cache_write_input_tokens: int | None = None
    """Input tokens written to the provider's cache."""

    tool_use_input_tokens: int | None = None
    """Input tokens that results of tools made."""

    reasoning_output_tokens: int | None = None
    """Output tokens the model thought with."""


INPUT_SUBSETS = ("cache_read_input_tokens", "cache_write_input_tokens", "tool_use_input_tokens")
OUTPUT_SUBSETS = ("reasoning_output_tokens",)
SUBSETS = (*INPUT_SUBSETS, *OUTPUT_SUBSETS)
"""Names of the counts that are contained in one of the totals."""

MAX_TOKENS = 2**63 - 1
"""No count is larger: it must fit a signed 64-bit column."""

MAX_MONEY = 10**12
"""No single call costs more, and no rate is higher: it must leave room for exact sums of many calls."""


def is_consistent(usage: Usage) -> bool:
    """Whether no subset is larger than the total that contains it, and no token both read from a cache and written."""
    for total, subsets in ((usage.input_tokens, INPUT_SUBSETS), (usage.output_tokens, OUTPUT_SUBSETS)):
        if total is not None and any((getattr(usage, name) or 0) > total for name in subsets):
            return False
    cached = (usage.cache_read_input_tokens or 0) + (usage.cache_write_input_tokens or 0)
    return usage.input_tokens is None or cached <= usage.input_tokens
