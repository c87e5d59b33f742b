"""LiteLLM's `Usage`: the shape of a chat completion for every provider, with more details.

`prompt_tokens` includes what was read from a cache and what was written to one, for Anthropic's models too.
Source: the types of litellm 1.110 (`types/utils.py`: Usage, PromptTokensDetailsWrapper).
"""

from __future__ import annotations

import msgspec

from taximeter.normalize import chat
from taximeter.normalize.fields import count, counters, fields, lifetimes, unknown
from taximeter.normalize.reading import Reading, doubts

_USAGE = chat.USAGE | {"cache_read_input_tokens", "cache_creation_input_tokens", "server_tool_use"}
_PROMPT = chat.PROMPT | {
    "cache_creation_tokens", "cache_creation_token_details", "cached_tokens_details", "tool_use_tokens",
    "web_search_requests",
}  # fmt: skip


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a ModelResponse, or of an EmbeddingResponse."""
    response = fields(body)
    given = fields(response.get("usage"))
    prompt, tools = fields(given.get("prompt_tokens_details")), fields(given.get("server_tool_use"))
    cached = fields(prompt.get("cached_tokens_details"))
    (plain,) = chat.read(response, provider)
    searches = count(tools, "web_search_requests")
    usage = msgspec.structs.replace(
        plain.usage,
        cache_read_input_tokens=_first(plain.usage.cache_read_input_tokens, count(given, "cache_read_input_tokens")),
        cache_write_input_tokens=_first(
            plain.usage.cache_write_input_tokens, count(given, "cache_creation_input_tokens")
        ),
        tool_use_input_tokens=count(prompt, "tool_use_tokens"),
        text_cache_read_input_tokens=count(cached, "text_tokens"),
        image_cache_read_input_tokens=count(cached, "image_tokens"),
        audio_cache_read_input_tokens=count(cached, "audio_tokens"),
        cache_write_by_ttl=lifetimes(fields(prompt.get("cache_creation_token_details")), "ephemeral_", "_input_tokens"),
        counters=counters(web_searches=_first(searches, count(prompt, "web_search_requests"))),
    )
    told = [reason for reason in plain.inconsistent if reason.startswith("total_tokens")]
    return (
        msgspec.structs.replace(
            plain,
            usage=usage,
            provider=provider or _named(body),
            operation="embeddings" if response.get("object") == "list" else plain.operation,
            usage_raw=unknown(given, _USAGE, prompt_tokens_details=_PROMPT, completion_tokens_details=chat.COMPLETION),
            inconsistent=doubts(usage, *told),
        ),
    )


def _first(told: int | None, otherwise: int | None) -> int | None:
    return otherwise if told is None else told


def _named(body: object) -> str | None:
    """The provider that LiteLLM asked, which it keeps beside the response."""
    hidden = getattr(body, "_hidden_params", None)
    name = fields(hidden).get("custom_llm_provider")
    return name if isinstance(name, str) else None
