"""OpenAI's Responses, and what counts like them: images, transcriptions, the realtime API.

`input_tokens` includes cached tokens and those written to the cache, `output_tokens` includes reasoning, `total_tokens`
is their sum. What hosted tools used is told beside it, in `tool_usage`, and is not contained in it.
Source: the types of openai 3.57 (`types/responses/response_usage.py`, `response.py`).
"""

from __future__ import annotations

from math import ceil
from typing import Literal

from taximeter.normalize.fields import (
    ELSEWHERE,
    Fields,
    Table,
    count,
    fields,
    items,
    lifetimes,
    sort,
    text,
    usage,
)
from taximeter.normalize.reading import Reading, doubts, unequal
from taximeter.usage import MAX_TOKENS, Counts

_CACHED: Table = {
    "text_tokens": "text_cache_read_input_tokens",
    "image_tokens": "image_cache_read_input_tokens",
    "audio_tokens": "audio_cache_read_input_tokens",
    "cached_text_tokens": "text_cache_read_input_tokens",
    "cached_image_tokens": "image_cache_read_input_tokens",
}
_INPUT: Table = {
    "cached_tokens": "cache_read_input_tokens",
    "cached_tokens_details": _CACHED,
    "cache_write_tokens": "cache_write_input_tokens",
    "cache_write_tokens_details": ELSEWHERE,
    "text_tokens": "text_input_tokens",
    "image_tokens": "image_input_tokens",
    "audio_tokens": "audio_input_tokens",
}
_OUTPUT: Table = {
    "reasoning_tokens": "reasoning_output_tokens",
    "text_tokens": "text_output_tokens",
    "image_tokens": "image_output_tokens",
    "audio_tokens": "audio_output_tokens",
}
_USAGE: Table = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "total_tokens": "total",
    "input_tokens_details": _INPUT,
    "output_tokens_details": _OUTPUT,
    "input_token_details": _INPUT,  # so in the realtime API and of transcriptions
    "output_token_details": _OUTPUT,
    "cached_tokens": "cache_read_input_tokens",  # so of drawn images
    "cached_tokens_details": _CACHED,
    "type": ELSEWHERE,
    "seconds": ELSEWHERE,
}
_SUM = "input_tokens + output_tokens"
_STATUS: dict[str | None, Literal["failed", "cut"]] = {
    "failed": "failed",
    "cancelled": "cut",
    "in_progress": "cut",
    "queued": "cut",
}


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a response, and a second one of the images that its model had drawn."""
    response = fields(body)
    given, kind = fields(response.get("usage")), response.get("object")
    found: dict[str, int] = {}
    unknown = sort(given, _USAGE, found)
    told = found.pop("total", None)
    tools = fields(response.get("tool_usage"))
    searches = count(fields(tools.get("web_search")), "num_requests")
    if searches:
        found["web_searches"] = searches
    if "seconds" in given:  # of a transcription that is billed by its length
        found["input_audio_seconds"] = _seconds(given)
    used = usage(found, _written(given), "web_searches", "input_audio_seconds")
    own = Reading(
        usage=used,
        provider=provider or ("openai" if kind == "response" else None),
        operation="chat" if kind in ("response", "realtime.response") else None,
        response_model=text(response, "model"),
        response_id=text(response, "id"),
        service_tier=text(response, "service_tier"),
        status=_STATUS.get(text(response, "status"), "done"),
        usage_raw=unknown,
        inconsistent=doubts(used, unequal("total_tokens", told, _SUM, used.input_tokens, used.output_tokens)),
    )
    drawn = fields(tools.get("image_gen"))
    return (own, _drawing(own, drawn, response)) if count(drawn, "total_tokens") else (own,)


def _seconds(given: Fields) -> int:
    """Whole seconds that were begun."""
    seconds = given["seconds"]
    if isinstance(seconds, float) and 0 <= seconds <= MAX_TOKENS:
        return ceil(seconds)
    return count(given, "seconds") or 0


def _written(given: Fields) -> Counts:
    details = fields(given.get("input_tokens_details")).get("cache_write_tokens_details")
    return () if details is None else lifetimes(fields(details), "ttl_", "_tokens")


def _drawing(own: Reading, given: Fields, response: Fields) -> Reading:
    """What the image generation tool used: another model with other rates, so never a part of the response's usage."""
    found: dict[str, int] = {}
    unknown = sort(given, _USAGE, found)
    told = found.pop("total", None)
    used = usage(found)
    tools = (fields(tool) for tool in items(response.get("tools")))
    model = next((text(tool, "model") for tool in tools if tool.get("type") == "image_generation"), None)
    return Reading(
        usage=used,
        provider=own.provider,
        operation="image_generation",
        model=model or "image_generation",
        response_id=own.response_id,
        usage_raw=unknown,
        inconsistent=doubts(used, unequal("total_tokens", told, _SUM, used.input_tokens, used.output_tokens)),
    )
