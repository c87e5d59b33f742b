"""Amazon Bedrock's Converse: `inputTokens` counts only what was neither read from the cache nor written to it.

All input is `inputTokens + cacheReadInputTokens + cacheWriteInputTokens`. The answer does not say which model gave it.
Source: the service `bedrock-runtime` of botocore 1.44 (`TokenUsage`, `CacheDetail`); the user guide of Amazon Bedrock
on prompt caching.
"""

from __future__ import annotations

from typing import Any

from taximeter.normalize.fields import ELSEWHERE, Fields, Table, count, fields, items, sort, text, total, usage
from taximeter.normalize.reading import Reading, doubts, unequal
from taximeter.usage import Counts, Usage, counts

_USAGE: Table = {
    "inputTokens": "fresh",
    "outputTokens": "output_tokens",
    "totalTokens": "total",
    "cacheReadInputTokens": "cache_read_input_tokens",
    "cacheWriteInputTokens": "cache_write_input_tokens",
    "cacheReadInputTokenCount": "cache_read_input_tokens",  # so in answers of batches
    "cacheWriteInputTokenCount": "cache_write_input_tokens",
    "cacheDetails": ELSEWHERE,
}


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a response to Converse, or of the `metadata` at the end of its stream."""
    response = fields(body)
    used, broken, unknown = _usage(fields(response.get("usage")))
    reading = Reading(
        usage=used,
        provider=provider or "aws",
        operation="chat",
        response_id=text(fields(response.get("ResponseMetadata")), "RequestId"),
        service_tier=text(fields(response.get("serviceTier")), "type"),
        usage_raw=unknown,
        inconsistent=doubts(used, broken),
    )
    return (reading,)


def _usage(given: Fields) -> tuple[Usage, str | None, dict[str, Any]]:
    """The counts, the identity that does not hold, and what is not known."""
    found: dict[str, int] = {}
    unknown = sort(given, _USAGE, found)
    told, fresh = found.pop("total", None), found.pop("fresh", None)
    read, written, output = (
        found.get(f"{name}_tokens") for name in ("cache_read_input", "cache_write_input", "output")
    )
    if fresh is not None:
        found["input_tokens"] = total("inputTokens", fresh, read, written) or 0
    broken = unequal("totalTokens", told, "input + cache read + cache write + output", fresh, read, written, output)
    if broken and unequal("totalTokens", told, "inputTokens + outputTokens", fresh, output) is None:
        broken = None  # as its reference has it, whatever was cached
    return usage(found, _lifetimes(given)), broken, unknown


def _lifetimes(given: Fields) -> Counts:
    """What was written to the cache, by how long it is kept."""
    kept: dict[str, int] = {}
    for detail in items(given.get("cacheDetails")):
        one = fields(detail)
        ttl, tokens = text(one, "ttl"), count(one, "inputTokens")
        if ttl and tokens:
            kept[ttl] = kept.get(ttl, 0) + tokens
    return counts(kept)
