"""Mistral: a chat completion in the shape of OpenAI's, with what is its own.

In a conversation, what connectors gave back to the model is beside the prompt: total = prompt + completion + connector.
Source: the types of mistralai 3.7 (`client/models/usageinfo.py`, `conversationusageinfo.py`, `ocrusageinfo.py`).
"""

from __future__ import annotations

from taximeter.normalize import chat
from taximeter.normalize.fields import ELSEWHERE, Fields, Table, count, fields, sort, text, total, usage
from taximeter.normalize.reading import Reading, doubts, unequal

_USAGE: Table = {
    **chat.USAGE,
    "connector_tokens": "tool_use_input_tokens",
    "connectors": ELSEWHERE,
    "prompt_audio_seconds": "input_audio_seconds",
    "pages_processed": "input_document_pages",
    "service_tier": ELSEWHERE,
}


def read(body: object, provider: str | None = None) -> tuple[Reading, ...]:
    """The reading of a chat completion, a chunk, a conversation, an embedding response or an OCR response."""
    response = fields(body)
    given = fields(response.get("usage") or response.get("usage_info"))
    found: dict[str, int] = {}
    unknown = sort(given, _USAGE, found)
    told, tools = found.pop("total", None), found.get("tool_use_input_tokens")
    formula = chat.SUM if tools is None else f"{chat.SUM} + connector_tokens"
    broken = unequal("total_tokens", told, formula, found.get("input_tokens"), found.get("output_tokens"), tools)
    if tools is not None:
        found["input_tokens"] = total("input_tokens", found.get("input_tokens"), tools) or 0
    calls = _calls(fields(given.get("connectors")))
    used = usage(found | calls, (), "input_audio_seconds", "input_document_pages", *calls)
    reading = Reading(
        usage=used,
        provider=provider or "mistral",
        operation=_operation(response),
        response_model=text(response, "model"),
        response_id=text(response, "id") or text(response, "conversation_id"),
        service_tier=text(given, "service_tier"),
        usage_raw=unknown,
        inconsistent=doubts(used, broken),
    )
    return (reading,)


def _calls(connectors: Fields) -> dict[str, int]:
    """How often each connector was called; a search of the web has the name that it has everywhere."""
    names = {"web_search": "web_searches"}
    return {names.get(name, f"connector_{name}"): count(connectors, name) or 0 for name in connectors}


def _operation(response: Fields) -> str:
    if response.get("object") == "list":
        return "embeddings"
    return "ocr" if "pages" in response else "chat"
