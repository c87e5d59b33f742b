"""The usual answer of a chat, from its bytes to its reading in one go: a third of what the long way takes.

What is told in any other way than here (a field of the usage that is not listed, a count that is none, a sum that does
not hold) is left to `chat`, which knows all of them and says the same of these.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from taximeter.normalize.chat import provider_of
from taximeter.normalize.reading import Reading
from taximeter.usage import Tokens, Usage, is_consistent


class _Prompt(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    cached_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None
    audio_tokens: Tokens | None = None


class _Completion(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    reasoning_tokens: Tokens | None = None
    audio_tokens: Tokens | None = None
    accepted_prediction_tokens: Tokens | None = None
    rejected_prediction_tokens: Tokens | None = None


class _Usage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    prompt_tokens: Tokens
    completion_tokens: Tokens
    total_tokens: Tokens
    prompt_tokens_details: _Prompt | None = None
    completion_tokens_details: _Completion | None = None


class _Chat(msgspec.Struct, gc=False):
    object: Literal["chat.completion"]
    usage: _Usage
    id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    type: None = None
    """Other shapes say what they are by it."""


_decode = msgspec.json.Decoder(_Chat).decode
_WITH_THEIR_OWN = frozenset({"cohere", "litellm", "mistral"})
"""Who answers in the same shape and has a reader of its own."""

_NO_PROMPT, _NO_COMPLETION = _Prompt(), _Completion()


def read_chat(body: bytes, provider: str | None = None) -> Reading | None:
    """The reading of a whole chat completion; None if it has to be looked at closely."""
    if provider in _WITH_THEIR_OWN:
        return None
    try:
        told = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    used = told.usage
    if used.prompt_tokens + used.completion_tokens != used.total_tokens:
        return None
    prompt, completion = used.prompt_tokens_details or _NO_PROMPT, used.completion_tokens_details or _NO_COMPLETION
    usage = Usage(
        used.prompt_tokens,
        used.completion_tokens,
        prompt.cached_tokens,
        prompt.cache_write_tokens,
        None,
        completion.reasoning_tokens,
        audio_input_tokens=prompt.audio_tokens,
        audio_output_tokens=completion.audio_tokens,
    )
    if not is_consistent(usage):
        return None
    return Reading(
        usage=usage,
        provider=provider or provider_of(told.model),
        operation="chat",
        response_model=told.model or None,
        response_id=told.id or None,
        service_tier=told.service_tier or None,
    )
