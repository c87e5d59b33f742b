"""OpenAI's Responses, and what counts like them: images, transcriptions, the realtime API.

`input_tokens` includes cached tokens and those written to the cache, `output_tokens` includes reasoning, `total_tokens`
is their sum. What hosted tools used is told beside it, in `tool_usage`, and is not contained in it.
Source: the types of openai 3.57 (`types/responses/response_usage.py`, `response.py`).
"""

from __future__ import annotations

from taximeter.normalize.fields import (
    Fields,
    count,
    counters,
    fields,
    items,
    lifetimes,
    text,
    unknown,
)
from taximeter.normalize.reading import Reading, doubts, unequal
from taximeter.usage import Usage

_USAGE = frozenset({
    "input_tokens", "output_tokens", "total_tokens", "type",
    "input_tokens_details", "output_tokens_details", "input_token_details", "output_token_details",
})  # fmt: skip
_INPUT = frozenset({
    "cached_tokens", "cache_write_tokens", "cache_write_tokens_details", "cached_tokens_details",
    "text_tokens", "image_tokens", "audio_tokens",
})  # fmt: skip
_OUTPUT = frozenset({"reasoning_tokens", "text_tokens", "image_tokens", "audio_tokens"})
_STATUS = {"failed": "failed", "cancelled": "cut", "in_progress": "cut", "queued": "cut"}


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a response, and a second one of the images that its model had drawn."""
    response = fields(body)
    given, tools = fields(response.get("usage")), fields(response.get("tool_usage"))
    usage, broken = _usage(given, count(fields(tools.get("web_search")), "num_requests"))
    kind = text(response, "object")
    own = Reading(
        usage=usage,
        provider=provider or ("openai" if kind == "response" else None),
        operation="chat" if kind in {"response", "realtime.response"} else None,
        response_model=text(response, "model"),
        response_id=text(response, "id"),
        service_tier=text(response, "service_tier"),
        status=_STATUS.get(text(response, "status") or "", "done"),  # type: ignore[arg-type]
        usage_raw=unknown(
            given,
            _USAGE,
            input_tokens_details=_INPUT,
            output_tokens_details=_OUTPUT,
            input_token_details=_INPUT,
            output_token_details=_OUTPUT,
        ),
        inconsistent=doubts(usage, broken),
    )
    drawn = fields(tools.get("image_gen"))
    return (own, _drawing(own, drawn, response)) if count(drawn, "total_tokens") else (own,)


def _usage(given: Fields, searches: int | None = None) -> tuple[Usage, str | None]:
    # Older APIs say "token" where newer ones say "tokens".
    into = fields(given.get("input_tokens_details") or given.get("input_token_details"))
    out = fields(given.get("output_tokens_details") or given.get("output_token_details"))
    cached = fields(into.get("cached_tokens_details") or given.get("cached_tokens_details"))
    input_tokens, output_tokens = count(given, "input_tokens"), count(given, "output_tokens")
    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_input_tokens=count(into if "cached_tokens" in into else given, "cached_tokens"),
        cache_write_input_tokens=count(into, "cache_write_tokens"),
        reasoning_output_tokens=count(out, "reasoning_tokens"),
        text_input_tokens=count(into, "text_tokens"),
        image_input_tokens=count(into, "image_tokens"),
        audio_input_tokens=count(into, "audio_tokens"),
        text_output_tokens=count(out, "text_tokens"),
        image_output_tokens=count(out, "image_tokens"),
        audio_output_tokens=count(out, "audio_tokens"),
        text_cache_read_input_tokens=count(cached, "text_tokens" if "text_tokens" in cached else "cached_text_tokens"),
        image_cache_read_input_tokens=count(
            cached, "image_tokens" if "image_tokens" in cached else "cached_image_tokens"
        ),
        audio_cache_read_input_tokens=count(cached, "audio_tokens"),
        cache_write_by_ttl=lifetimes(fields(into.get("cache_write_tokens_details")), "ttl_", "_tokens"),
        counters=counters(web_searches=searches),
    )
    told = count(given, "total_tokens")
    return usage, unequal("total_tokens", told, "input_tokens + output_tokens", input_tokens, output_tokens)


def _either(given: Fields, name: str, other: str) -> int | None:
    return count(given, name if name in given else other)


def _drawing(own: Reading, given: Fields, response: Fields) -> Reading:
    """What the image generation tool used: another model with other rates, so never a part of the response's usage."""
    usage, broken = _usage(given)
    tools = (fields(tool) for tool in items(response.get("tools")))
    model = next((text(tool, "model") for tool in tools if text(tool, "type") == "image_generation"), None)
    return Reading(
        usage=usage,
        provider=own.provider,
        operation="image_generation",
        model=model or "image_generation",
        response_id=own.response_id,
        inconsistent=doubts(usage, broken),
    )
