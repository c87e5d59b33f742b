"""Embeddings as OpenAI made them: `prompt_tokens` is all there is, and `total_tokens` is the same.

Source: the types of openai 3.57 (`types/create_embedding_response.py`).
"""

from __future__ import annotations

from taximeter.normalize.fields import Table, fields, sort, text, usage
from taximeter.normalize.reading import Reading, doubts, unequal

_USAGE: Table = {
    "prompt_tokens": "input_tokens",
    "total_tokens": "total",
    "completion_tokens": "output",  # servers that reuse the usage of a chat say 0
}
_OWN_NAMES = ("text-embedding-3-", "text-embedding-ada-")


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of an embedding response."""
    response = fields(body)
    model = text(response, "model")
    found: dict[str, int] = {}
    unknown = sort(fields(response.get("usage")), _USAGE, found)
    told, output = found.pop("total", None), found.pop("output", None)
    used = usage(found)
    reading = Reading(
        usage=used,
        provider=provider or ("openai" if model and model.startswith(_OWN_NAMES) else None),
        operation="embeddings",
        response_model=model,
        response_id=text(response, "id"),
        usage_raw=unknown,
        inconsistent=doubts(used, unequal("total_tokens", told, "prompt_tokens", used.input_tokens, output)),
    )
    return (reading,)
