"""LiteLLM's `Usage`: the shape of a chat completion for every provider, with more details.

`prompt_tokens` includes what was read from a cache and what was written to one, for Anthropic's models too.
Source: the types of litellm 1.110 (`types/utils.py`: Usage, PromptTokensDetailsWrapper).
"""

from __future__ import annotations

from taximeter.normalize import chat
from taximeter.normalize.fields import ELSEWHERE, Table, fields, lifetimes, sort, text, usage
from taximeter.normalize.reading import Reading, doubts, unequal

_USAGE: Table = {
    **chat.USAGE,
    "prompt_tokens_details": {
        **chat.PROMPT,
        "cache_creation_tokens": "cache_write_input_tokens",
        "cache_creation_token_details": ELSEWHERE,
        "cached_tokens_details": {
            "text_tokens": "text_cache_read_input_tokens",
            "image_tokens": "image_cache_read_input_tokens",
            "audio_tokens": "audio_cache_read_input_tokens",
        },
        "tool_use_tokens": "tool_use_input_tokens",
        "web_search_requests": "web_searches",
    },
    "cache_read_input_tokens": "cache_read_input_tokens",
    "cache_creation_input_tokens": "cache_write_input_tokens",
    "server_tool_use": {"web_search_requests": "web_searches"},
}


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a ModelResponse, or of an EmbeddingResponse."""
    response = fields(body)
    given = fields(response.get("usage"))
    found: dict[str, int] = {}
    unknown = sort(given, _USAGE, found)
    told = found.pop("total", None)
    split = fields(given.get("prompt_tokens_details")).get("cache_creation_token_details")
    used = usage(found, lifetimes(fields(split), "ephemeral_", "_input_tokens"), "web_searches")
    reading = Reading(
        usage=used,
        provider=provider or _named(body),
        operation="embeddings" if response.get("object") == "list" else "chat",
        response_model=text(response, "model"),
        response_id=text(response, "id"),
        service_tier=text(response, "service_tier"),
        provider_cost=chat.billed(given),
        usage_raw=unknown,
        inconsistent=doubts(used, unequal("total_tokens", told, chat.SUM, used.input_tokens, used.output_tokens)),
    )
    return (reading,)


def _named(body: object) -> str | None:
    """The provider that LiteLLM asked, which it keeps beside the response."""
    return text(fields(getattr(body, "_hidden_params", None)), "custom_llm_provider")
