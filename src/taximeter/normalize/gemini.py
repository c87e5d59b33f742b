"""Gemini, of the Gemini API and of Vertex AI: four counts that do not overlap, and their sum.

`prompt_token_count` includes cached content; what tools gave back to the model is beside it; thoughts are not among the
candidates. So input = prompt + tool use, output = candidates + thoughts, and all four are `total_token_count`.
JSON says `promptTokenCount` where the SDK says `prompt_token_count`.
Source: the types of google-genai 3.6 (`types.py`: GenerateContentResponseUsageMetadata, UsageMetadata).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from taximeter.normalize.fields import Fields, count, counters, fields, items, plain, text, total, unknown
from taximeter.normalize.reading import Reading, doubts, unequal
from taximeter.usage import MODALITIES, Usage

NAMES = frozenset({
    "usage_metadata", "usageMetadata", "candidates", "prompt_feedback", "promptFeedback", "model_version",
    "modelVersion",
})  # fmt: skip
"""Fields by which a response is known."""

_USAGE = frozenset({
    "prompt_token_count", "cached_content_token_count", "candidates_token_count", "response_token_count",
    "thoughts_token_count", "tool_use_prompt_token_count", "total_token_count", "prompt_tokens_details",
    "cache_tokens_details", "candidates_tokens_details", "response_tokens_details",
    "tool_use_prompt_tokens_details", "traffic_type", "service_tier",
})  # fmt: skip
_TIERS = {
    "ON_DEMAND": "standard",
    "ON_DEMAND_PRIORITY": "priority",
    "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_OFFPEAK": "offpeak",
    "PROVISIONED_THROUGHPUT": "provisioned",
}
"""Vertex AI's traffic types in the words of the Gemini API's service tiers."""

_UNSPECIFIED = {"MODALITY_UNSPECIFIED": "text"}  # "When a modality is not specified, it is treated as TEXT"


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a response to generateContent, or of a chunk of its stream."""
    response = snake(fields(body))
    given = snake(fields(response.get("usage_metadata")))
    usage, broken, odd = _usage(given)
    return (
        Reading(
            usage=usage,
            provider=provider or "google",
            operation="generate_content",
            response_model=text(response, "model_version"),
            response_id=text(response, "response_id"),
            service_tier=_tier(given),
            usage_raw=unknown(given, _USAGE) | odd,
            inconsistent=doubts(usage, broken),
        ),
    )


def read_embedding(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a response to embedContent, or to predict of an embedding model on Vertex AI."""
    response = snake(fields(body))
    given = snake(fields(response.get("usage_metadata")))
    usage, broken, odd = _usage(given)
    if usage.input_tokens is None:
        tokens = total("token_count", *_embedded(response))
        characters = count(snake(fields(response.get("metadata"))), "billable_character_count")
        usage = Usage(input_tokens=tokens, counters=counters(billable_characters=characters))
    return (
        Reading(
            usage=usage,
            provider=provider or "google",
            operation="embeddings",
            service_tier=_tier(given),
            usage_raw=unknown(given, _USAGE) | odd,
            inconsistent=doubts(usage, broken),
        ),
    )


def snake(given: Fields) -> Fields:
    """The fields by the names of the SDK."""
    for name in given:
        if not name.islower():
            return {_snake(name): value for name, value in given.items()}
    return given


@lru_cache(maxsize=256)
def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def _usage(given: Fields) -> tuple[Usage, str | None, dict[str, Any]]:
    """The counts, the identity that does not hold, and the tokens of modalities that have no name here."""
    prompt, tools = count(given, "prompt_token_count"), count(given, "tool_use_prompt_token_count")
    said = count(given, "candidates_token_count")
    if said is None:
        said = count(given, "response_token_count")  # the Live API
    thoughts = count(given, "thoughts_token_count")
    broken = unequal(
        "total_token_count", count(given, "total_token_count"), "prompt + tools + candidates + thoughts",
        prompt, tools, said, thoughts,
    )  # fmt: skip
    by_modality: dict[str, int] = {}
    odd: dict[str, Any] = {}
    for name, whole in _DETAILS:
        if given.get(name):
            for modality, tokens in _modalities(given[name]):
                field = f"{modality}_{whole}"
                if modality in MODALITIES:
                    by_modality[field] = by_modality.get(field, 0) + tokens
                else:
                    odd[field] = plain(tokens)
    usage = Usage(
        input_tokens=total("input_tokens", prompt, tools),
        output_tokens=total("output_tokens", said, thoughts),
        cache_read_input_tokens=count(given, "cached_content_token_count"),
        tool_use_input_tokens=tools,
        reasoning_output_tokens=thoughts,
    )
    return msgspec.structs.replace(usage, **by_modality) if by_modality else usage, broken, odd


_DETAILS = (
    ("prompt_tokens_details", "input_tokens"),
    ("tool_use_prompt_tokens_details", "input_tokens"),
    ("cache_tokens_details", "cache_read_input_tokens"),
    ("candidates_tokens_details", "output_tokens"),
    ("response_tokens_details", "output_tokens"),
)


def _modalities(details: object) -> Iterator[tuple[str, int]]:
    for detail in items(details):
        one = snake(fields(detail))
        tokens = count(one, "token_count")
        if tokens:
            name = text(one, "modality") or "MODALITY_UNSPECIFIED"
            yield _UNSPECIFIED.get(name, name.lower()), tokens


def _tier(given: Fields) -> str | None:
    traffic = text(given, "traffic_type")
    return text(given, "service_tier") or (_TIERS.get(traffic, traffic) if traffic else None)


def _embedded(response: Fields) -> Iterator[int | None]:
    """Tokens of each text, as Vertex AI tells them beside its embedding."""
    for embedding in items(response.get("embeddings")) or items(response.get("predictions")):
        one = fields(embedding)
        inner = one.get("embeddings")
        yield count(snake(fields(fields(inner if inner is not None else one).get("statistics"))), "token_count")
