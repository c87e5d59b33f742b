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

from taximeter.normalize.fields import ELSEWHERE, Fields, Table, count, fields, items, sort, text, total, usage
from taximeter.normalize.reading import Reading, doubts, unequal
from taximeter.usage import MODALITIES, Usage

NAMES = frozenset({
    "usage_metadata", "usageMetadata", "candidates", "prompt_feedback", "promptFeedback", "model_version",
    "modelVersion",
})  # fmt: skip
"""Fields by which a response is known."""


def _both(names: dict[str, str]) -> Table:
    """The same for the names in JSON and for those of the SDK."""
    return names | {_camel(name): place for name, place in names.items()}


def _camel(name: str) -> str:
    first, *more = name.split("_")
    return first + "".join(word.capitalize() for word in more)


_USAGE = _both(
    {
        "prompt_token_count": "prompt",
        "tool_use_prompt_token_count": "tool_use_input_tokens",
        "candidates_token_count": "said",
        "response_token_count": "said",  # the Live API
        "thoughts_token_count": "reasoning_output_tokens",
        "cached_content_token_count": "cache_read_input_tokens",
        "total_token_count": "total",
        **dict.fromkeys(("traffic_type", "service_tier"), ELSEWHERE),
        "prompt_tokens_details": ELSEWHERE,
        "tool_use_prompt_tokens_details": ELSEWHERE,
        "cache_tokens_details": ELSEWHERE,
        "candidates_tokens_details": ELSEWHERE,
        "response_tokens_details": ELSEWHERE,
    }
)
_DETAILS = _both(
    {
        "prompt_tokens_details": "input_tokens",
        "tool_use_prompt_tokens_details": "input_tokens",
        "cache_tokens_details": "cache_read_input_tokens",
        "candidates_tokens_details": "output_tokens",
        "response_tokens_details": "output_tokens",
    }
)
"""What of each modality is told, and the count that it is a part of."""

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
    given = fields(response.get("usage_metadata"))
    used, broken, unknown = _usage(given)
    reading = Reading(
        usage=used,
        provider=provider or "google",
        operation="generate_content",
        response_model=text(response, "model_version"),
        response_id=text(response, "response_id"),
        service_tier=_tier(given),
        usage_raw=unknown,
        inconsistent=doubts(used, broken),
    )
    return (reading,)


def read_embedding(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a response to embedContent, or to predict of an embedding model on Vertex AI."""
    response = snake(fields(body))
    given = fields(response.get("usage_metadata"))
    used, broken, unknown = _usage(given)
    if used.input_tokens is None:
        used = _embedded(response)
    reading = Reading(
        usage=used,
        provider=provider or "google",
        operation="embeddings",
        service_tier=_tier(given),
        usage_raw=unknown,
        inconsistent=doubts(used, broken),
    )
    return (reading,)


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
    """The counts, the identity that does not hold, and what is not known."""
    found: dict[str, int] = {}
    unknown = sort(given, _USAGE, found)
    told, prompt, said = found.pop("total", None), found.pop("prompt", None), found.pop("said", None)
    tools, thoughts = found.get("tool_use_input_tokens"), found.get("reasoning_output_tokens")
    broken = unequal("totalTokenCount", told, "prompt + tools + candidates + thoughts", prompt, tools, said, thoughts)
    for name, whole in (("input_tokens", (prompt, tools)), ("output_tokens", (said, thoughts))):
        tokens = total(name, *whole)
        if tokens is not None:
            found[name] = tokens
    nameless: dict[str, int] = {}
    for name in given.keys() & _DETAILS.keys():
        for modality, tokens in _modalities(given[name]):
            place = f"{modality}_{_DETAILS[name]}"
            kept = found if modality in MODALITIES else nameless
            kept[place] = kept.get(place, 0) + tokens
    return usage(found), broken, unknown | nameless


def _modalities(details: object) -> Iterator[tuple[str, int]]:
    for detail in items(details):
        one = fields(detail)
        tokens = count(one, "tokenCount" if "tokenCount" in one else "token_count")
        if tokens:
            name = text(one, "modality") or "MODALITY_UNSPECIFIED"
            yield _UNSPECIFIED.get(name, name.lower()), tokens


def _tier(given: Fields) -> str | None:
    tier = text(given, "service_tier") or text(given, "serviceTier")
    traffic = text(given, "traffic_type") or text(given, "trafficType")
    return tier or (_TIERS.get(traffic, traffic) if traffic else None)


def _embedded(response: Fields) -> Usage:
    """What Vertex AI tells of each text beside its embedding, and of their characters."""
    found: dict[str, int] = {}
    tokens = total("token_count", *map(_of_embedding, items(response.get("embeddings") or response.get("predictions"))))
    characters = count(snake(fields(response.get("metadata"))), "billable_character_count")
    if tokens is not None:
        found["input_tokens"] = tokens
    if characters is not None:
        found["input_characters"] = characters
    return usage(found, (), "input_characters")


def _of_embedding(embedding: object) -> int | None:
    one = fields(embedding)
    inner = fields(one.get("embeddings")) or one  # so in an answer to predict
    return count(snake(fields(inner.get("statistics"))), "token_count")
