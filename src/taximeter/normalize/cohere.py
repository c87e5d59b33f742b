"""Cohere: what counts is what it bills, `billed_units`; `tokens` is what the model saw, and is not charged.

Source: the types of cohere 7.3 (`types/usage.py`, `types/api_meta.py`); counts come as floats there.
"""

from __future__ import annotations

from taximeter.normalize.fields import Fields, count, counters, fields, text, unknown
from taximeter.normalize.reading import Reading, doubts
from taximeter.usage import Usage

_USAGE = frozenset({"billed_units", "cached_tokens", "api_version", "warnings"})
_BILLED = frozenset({
    "input_tokens", "output_tokens", "search_units", "classifications", "images", "pages", "image_tokens",
    "text_tokens",
})  # fmt: skip


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a response to chat, embed, rerank or classify; `tokens` is kept in `usage_raw`."""
    response = fields(body)
    given = fields(response.get("usage") or response.get("meta"))
    billed = fields(given.get("billed_units"))
    usage = Usage(
        input_tokens=count(billed, "input_tokens"),
        output_tokens=count(billed, "output_tokens"),
        cache_read_input_tokens=count(given, "cached_tokens"),
        text_input_tokens=count(billed, "text_tokens"),
        image_input_tokens=count(billed, "image_tokens"),
        counters=counters(
            search_units=count(billed, "search_units"),
            classifications=count(billed, "classifications"),
            images=count(billed, "images"),
            pages=count(billed, "pages"),
        ),
    )
    return (
        Reading(
            usage=usage,
            provider=provider or "cohere",
            operation=_operation(response),
            response_model=text(response, "model"),
            response_id=text(response, "id") or text(response, "generation_id") or text(response, "response_id"),
            usage_raw=unknown(given, _USAGE, billed_units=_BILLED),
            inconsistent=doubts(usage),
        ),
    )


def _operation(response: Fields) -> str:
    if "embeddings" in response:
        return "embeddings"
    return "rerank" if "results" in response else "chat"
