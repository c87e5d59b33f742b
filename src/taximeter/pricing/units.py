"""Names of what is charged: the counts of `Usage`, cache writes by their time to live, and counters by any name."""

from __future__ import annotations

from taximeter.usage import MODALITIES

INPUT = "input_tokens"
OUTPUT = "output_tokens"
CACHE_READ = "cache_read_input_tokens"
CACHE_WRITE = "cache_write_input_tokens"
TOOL_USE = "tool_use_input_tokens"
REASONING = "reasoning_output_tokens"
TOTAL = "total_tokens"
"""Input and output tokens: only ever a threshold."""

REQUESTS = "requests"
"""The counter of which each call has one."""

TTL = r"\d+[smhd]"
"""Pattern of a time to live, such as `5m`."""

MODAL_INPUT, MODAL_READ, MODAL_OUTPUT = (
    tuple(f"{modality}_{kind}" for modality in MODALITIES) for kind in (INPUT, CACHE_READ, OUTPUT)
)
"""Units of one modality: all input, what of it was read from a cache, and output; in the same order."""


def cache_write(ttl: str) -> str:
    """The unit of tokens that are written to a cache for a time, such as `5m`."""
    return f"cache_write_{ttl}_input_tokens"


def is_token(unit: str) -> bool:
    """Whether it counts tokens, and is no counter."""
    return unit.endswith((INPUT, OUTPUT))


def is_input(unit: str) -> bool:
    """Whether its tokens are among the input tokens."""
    return unit.endswith(INPUT)
