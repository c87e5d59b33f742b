"""From the bytes of an answer to its readings, without building what was said in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

import msgspec

from taximeter.normalize.quick import read_chat
from taximeter.normalize.read import read, shape
from taximeter.normalize.reading import Reading, RejectedUsageError, UsageError
from taximeter.recorder.guard import rejected

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UsageError)
_NOTHING = (Reading(),)


class _Embedding(TypedDict, total=False):
    statistics: Any
    embeddings: Any


class Body(TypedDict, total=False):
    """The fields of an answer that say what it used; the others are passed over as they are decoded."""

    id: Any
    object: Any
    type: Any
    model: Any
    usage: Any
    usage_info: Any
    service_tier: Any
    tool_usage: Any
    tools: Any
    status: Any
    error: Any
    conversation_id: Any
    background: Any
    choices: msgspec.Raw
    """Only whether there are any: by that the shape is known."""

    pages: msgspec.Raw
    usageMetadata: Any
    modelVersion: Any
    responseId: Any
    promptFeedback: Any
    candidates: msgspec.Raw
    embeddings: list[_Embedding]
    predictions: list[_Embedding]
    metadata: Any


told = msgspec.json.Decoder(Body).decode
"""The fields of an answer that say what it used; msgspec.DecodeError if it is no JSON object."""


def readings(body: bytes | str, provider: str | None) -> tuple[Reading, ...]:
    """The readings of a whole answer; one without any count if it tells nothing that can be read."""
    try:
        given = told(body)
        reader = shape(given, provider)
        return read(given, provider) if reader is None else reader(given, provider)
    except RejectedUsageError as error:
        rejected(f"{error!s:.200}")
    except UNREADABLE:
        pass
    return _NOTHING


def chat_readings(body: bytes, provider: str | None) -> tuple[Reading, ...]:
    """The same of an answer that is a chat completion as a rule."""
    reading = read_chat(body, provider)
    return readings(body, provider) if reading is None else (reading,)


def believed(read_it: Callable[[], tuple[Reading, ...]]) -> tuple[Reading, ...]:
    """The readings; one without any count if there are none, or none that can be true, which is counted then."""
    try:
        return read_it()
    except RejectedUsageError as error:
        rejected(f"{error!s:.200}")
    except UNREADABLE:
        pass
    return _NOTHING
