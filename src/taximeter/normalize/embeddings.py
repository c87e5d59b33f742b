"""Embeddings as OpenAI made them: `prompt_tokens` is all there is, and `total_tokens` is the same.

Source: the types of openai 3.57 (`types/create_embedding_response.py`).
"""

from __future__ import annotations

from taximeter.normalize.fields import count, fields, text, unknown
from taximeter.normalize.reading import Reading, doubts, unequal
from taximeter.usage import Usage

_USAGE = frozenset({"prompt_tokens", "total_tokens", "completion_tokens"})
_OWN_NAMES = ("text-embedding-3-", "text-embedding-ada-")


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of an embedding response."""
    response = fields(body)
    given, model = fields(response.get("usage")), text(response, "model")
    usage = Usage(input_tokens=count(given, "prompt_tokens"))
    extra = count(given, "completion_tokens")  # servers that reuse the usage of a chat say 0
    broken = unequal("total_tokens", count(given, "total_tokens"), "prompt_tokens", usage.input_tokens, extra)
    return (
        Reading(
            usage=usage,
            provider=provider or ("openai" if model and model.startswith(_OWN_NAMES) else None),
            operation="embeddings",
            response_model=model,
            response_id=text(response, "id"),
            usage_raw=unknown(given, _USAGE),
            inconsistent=doubts(usage, broken),
        ),
    )
