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


def contradiction(usage: Usage) -> str | None:
    """Why the counts of a call cannot all be true: a subset is larger than the total that contains it."""
    for total, subsets in (("input_tokens", INPUT_SUBSETS), ("output_tokens", OUTPUT_SUBSETS)):
        whole = getattr(usage, total)
        for name in subsets:
            part = getattr(usage, name)
            if part is not None and whole is not None and part > whole:
                return f"{name} is {part}, more than the {whole} {total} that contain it"
    read, write = usage.cache_read_input_tokens or 0, usage.cache_write_input_tokens or 0
    if usage.input_tokens is not None and read + write > usage.input_tokens:
        return f"{read} cached and {write} newly cached tokens are more than the {usage.input_tokens} input_tokens"
    return None
