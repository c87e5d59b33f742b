"""From any response to its readings: recognises the shape, and leaves the rest to the reader of that shape."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from taximeter.normalize import anthropic, batch, bedrock, chat, cohere, embeddings, gemini, litellm, mistral, responses
from taximeter.normalize.fields import Fields, fields
from taximeter.normalize.reading import Reading, UsageError

Reader = Callable[[object, str | None], tuple[Reading, ...]]

_LIKE_CHAT: dict[str | None, Reader] = {"cohere": cohere.read, "litellm": litellm.read, "mistral": mistral.read}
"""Readers that also take the shape of a chat completion, by the name of the provider."""

_PACKAGES = {"cohere": "cohere", "litellm": "litellm", "mistralai": "mistral"}
"""The same by the package that an object comes from; other SDKs are used with any provider."""

_OF_MISTRAL = frozenset({"connector_tokens", "connectors", "prompt_audio_seconds"})
_OF_LITELLM = frozenset({"cache_creation_input_tokens", "cache_read_input_tokens"})


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The readings of a response: an object of an SDK, or its JSON as a dict.

    `provider` names who answered, where the caller knows. A line of a batch, and a usage by itself, are read, too.
    UsageError if the shape is not known; RejectedUsageError if a figure cannot be true. Otherwise at least one reading;
    if the response does not tell its usage, all counts of it are None.
    """
    given = fields(body)
    enclosed = batch.opened(given)
    if enclosed is not None:
        inside = read(enclosed, provider) if enclosed else (Reading(provider=provider, status="failed"),)
        return tuple(msgspec.structs.replace(reading, processing="batch") for reading in inside)
    asked = provider or sdk_provider(body)
    reader = shape(given, asked)
    if reader is not None:
        # Some things are kept beside the fields of an object, so it is the object that its reader gets.
        return reader(body, None if provider == "litellm" else provider)
    if "error" in given:
        return (Reading(provider=provider, status="failed"),)
    for name, mark in _BARE:
        if mark in given:
            return read({name: given}, asked)
    told = ", ".join(sorted(map(str, given))[:8]) if given else f"it is {type(body).__name__}"
    raise UsageError(f"no response of a known provider looks like this: {told}")


_BARE = (
    ("usage", "prompt_tokens"),
    ("usage", "input_tokens"),
    ("usage", "billed_units"),
    ("usage", "inputTokens"),
    ("usage_metadata", "prompt_token_count"),
    ("usage_metadata", "promptTokenCount"),
)
"""A usage without its response: where it would stand in one, and the field by which it is known."""


def sdk_provider(thing: object) -> str | None:
    """The provider whose own SDK an object comes from, or `litellm`; None if that SDK is used with others, too."""
    return _PACKAGES.get(type(thing).__module__.partition(".")[0])


def shape(given: Fields, provider: str | None = None) -> Reader | None:
    """The reader for a response with these fields; None if no known provider answers like that."""
    kind, usage = given.get("object"), fields(given.get("usage"))
    if kind in ("response", "realtime.response"):
        return responses.read
    if given.get("type") == "message":
        return anthropic.read
    if not gemini.NAMES.isdisjoint(given):
        return gemini.read_embedding if "embeddings" in given else gemini.read
    if "billed_units" in usage or "billed_units" in fields(given.get("meta")):
        return cohere.read
    if "choices" in given or "prompt_tokens" in usage or kind == "list" or "usage_info" in given:
        return _like_chat(usage, kind, provider)
    if "inputTokens" in usage:
        return bedrock.read
    if "input_tokens" in usage:
        return anthropic.read if _is_anthropic(usage, provider) else responses.read
    if "seconds" in usage:
        return responses.read
    if provider == "cohere":
        return cohere.read
    return gemini.read_embedding if "embeddings" in given or "predictions" in given else None


def _like_chat(usage: Fields, kind: object, provider: str | None) -> Reader:
    if provider in _LIKE_CHAT:
        return _LIKE_CHAT[provider]
    if not _OF_MISTRAL.isdisjoint(usage):
        return mistral.read
    if not _OF_LITELLM.isdisjoint(usage):
        return litellm.read
    return embeddings.read if kind == "list" else chat.read


def _is_anthropic(usage: Fields, provider: str | None) -> bool:
    return provider == "anthropic" or ("total_tokens" not in usage and not _OF_LITELLM.isdisjoint(usage))
