"""Cohere: what counts is what it bills, `billed_units`; `tokens` is what the model saw, and is not charged.

Source: the types of cohere 7.3 (`types/usage.py`, `types/api_meta.py`); counts come as floats there.
"""

from __future__ import annotations

from taximeter.normalize.fields import ELSEWHERE, Fields, Table, fields, sort, text, usage
from taximeter.normalize.reading import Reading, doubts

_USAGE: Table = {
    "billed_units": {
        "input_tokens": "input_tokens",
        "output_tokens": "output_tokens",
        "text_tokens": "text_input_tokens",
        "image_tokens": "image_input_tokens",
        "search_units": "rerank_searches",
        "classifications": "classifications",
        "images": "images",
        "pages": "input_document_pages",
    },
    "cached_tokens": "cache_read_input_tokens",
    "api_version": ELSEWHERE,
    "warnings": ELSEWHERE,
}


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a response to chat, embed, rerank or classify; `tokens` is kept in `usage_raw`."""
    response = fields(body)
    found: dict[str, int] = {}
    unknown = sort(fields(response.get("usage") or response.get("meta")), _USAGE, found)
    used = usage(found, (), "rerank_searches", "classifications", "images", "input_document_pages")
    reading = Reading(
        usage=used,
        provider=provider or "cohere",
        operation=_operation(response),
        response_model=text(response, "model"),
        response_id=text(response, "id") or text(response, "generation_id") or text(response, "response_id"),
        usage_raw=unknown,
        inconsistent=doubts(used),
    )
    return (reading,)


def _operation(response: Fields) -> str:
    if "embeddings" in response:
        return "embeddings"
    return "rerank" if "results" in response else "chat"
