"""Mistral: a chat completion in the shape of OpenAI's, with what is its own.

In a conversation, what connectors gave back to the model is beside the prompt: total = prompt + completion + connector.
Source: the types of mistralai 3.7 (`client/models/usageinfo.py`, `conversationusageinfo.py`, `ocrusageinfo.py`).
"""

from __future__ import annotations

import msgspec

from taximeter.normalize import chat
from taximeter.normalize.fields import count, counters, fields, text, total, unknown
from taximeter.normalize.reading import Reading, doubts, unequal

_USAGE = chat.USAGE | {"prompt_audio_seconds", "connector_tokens", "connectors", "service_tier", "pages_processed"}


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a chat completion, a chunk, a conversation, an embedding response or an OCR response."""
    response = fields(body)
    given = fields(response.get("usage") or response.get("usage_info"))
    usage, broken = chat.read_usage(given)
    connectors = count(given, "connector_tokens")
    if connectors:
        broken = unequal(
            "total_tokens",
            count(given, "total_tokens"),
            "prompt_tokens + completion_tokens + connector_tokens",
            usage.input_tokens,
            usage.output_tokens,
            connectors,
        )
    calls = {f"connector_{name}": count(fields(given["connectors"]), name) for name in fields(given.get("connectors"))}
    usage = msgspec.structs.replace(
        usage,
        input_tokens=total("input_tokens", usage.input_tokens, connectors),
        tool_use_input_tokens=connectors,
        counters=counters(
            audio_seconds=count(given, "prompt_audio_seconds"), pages=count(given, "pages_processed"), **calls
        ),
    )
    return (
        Reading(
            usage=usage,
            provider=provider or "mistral",
            operation=_operation(text(response, "object"), response.keys()),
            response_model=text(response, "model"),
            response_id=text(response, "id") or text(response, "conversation_id"),
            service_tier=text(given, "service_tier"),
            usage_raw=unknown(
                given, _USAGE, prompt_tokens_details=chat.PROMPT, completion_tokens_details=chat.COMPLETION
            ),
            inconsistent=doubts(usage, broken),
        ),
    )


def _operation(kind: str | None, names: object) -> str:
    if kind == "list":
        return "embeddings"
    return "ocr" if "pages" in names else "chat"  # type: ignore[operator]
