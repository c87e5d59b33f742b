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


SUBSETS = tuple(name for name in Usage.__struct_fields__ if name not in {"input_tokens", "output_tokens"})
"""Names of the counts that are contained in one of the totals."""

MAX_TOKENS = 2**63 - 1
"""No count is larger: it must fit a signed 64-bit column."""
