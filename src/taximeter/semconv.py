"""GenAI attributes of OpenTelemetry, to and from calls.

Names are those of the semantic conventions for generative AI (in development); older spellings are read, too, and those
of OpenInference (`llm.`, `embedding.`). What they have no name for is under `taximeter.`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeGuard

from taximeter.events import CallEvent
from taximeter.usage import MAX_TOKENS, OPEN_COUNTS, Usage, counts

Attribute = str | int | float | bool

OWN = "taximeter."
TAG = "taximeter.tag."

OPENINFERENCE_KIND = "openinference.span.kind"
"""What a span of OpenInference is: `LLM`, `EMBEDDING`, `AGENT`, ..."""

_USAGE = {
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    "cache_read_input_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
    ),
    "cache_write_input_tokens": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
    "reasoning_output_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_output_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
}
_TEXTS = {
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
    "model": ("gen_ai.request.model", "llm.model_name", "embedding.model_name"),
    "response_model": ("gen_ai.response.model",),
    "response_id": ("gen_ai.response.id",),
    "operation": ("gen_ai.operation.name",),
    "session_id": ("gen_ai.conversation.id",),
    "service_tier": ("openai.response.service_tier", "gen_ai.openai.response.service_tier"),
}
"""Field of a call, the name that is written, and other spellings that are read."""

_OWN_TEXTS = ("run_id", "stage_id", "endpoint", "region", "request_id", "captured_by")
_OWN_CHOICES = {
    "usage_source": ("provider", "tracker", "user", "estimated", "missing"),
    "status": ("done", "failed", "cut"),
    "processing": ("sync", "batch"),
}
_OWN_NUMBERS = ("attempt", "shard", "tries")
_STREAM = "gen_ai.request.stream"
_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
_OPERATIONS = {"llm": "chat", "embedding": "embeddings"}


def call_attributes(call: CallEvent) -> dict[str, Attribute]:
    """Attributes of a call; what is not known is left out."""
    found: dict[str, Any] = {names[0]: getattr(call, field) for field, names in _TEXTS.items()}
    found["gen_ai.operation.name"] = call.operation or _OPERATIONS[call.kind]
    found[_STREAM] = call.stream
    found[_FIRST_CHUNK] = None if call.ttft_ms is None else call.ttft_ms / 1000
    for field in (*_OWN_TEXTS, *_OWN_CHOICES, *_OWN_NUMBERS, "kind", "cached"):
        found[OWN + field] = getattr(call, field)
    found[f"{OWN}provider_cost"] = None if call.provider_cost is None else str(call.provider_cost)
    found |= _usage_attributes(call.usage)
    found |= {TAG + name: text for name, text in (call.tags or {}).items()}
    return {name: value for name, value in found.items() if value is not None}


def call_of(attributes: Mapping[str, object], event_id: tuple[str, int]) -> CallEvent | None:
    """The call that a span's attributes tell of; None if they name no model. What cannot be true is left out.

    The span's ids and times are the caller's to add.
    """
    texts = {field: _first(attributes, names, str) for field, names in _TEXTS.items()}
    model = texts.pop("model") or texts["response_model"]
    if model is None:
        return None
    fields: dict[str, Any] = {**texts, **{field: _own(attributes, field, str) for field in _OWN_TEXTS}}
    for field, allowed in _OWN_CHOICES.items():
        value = attributes.get(OWN + field)
        fields[field] = value if value in allowed else None
    fields |= {field: _own(attributes, field, int) for field in _OWN_NUMBERS}
    fields["cached"] = _own(attributes, "cached", bool)
    fields["stream"] = _first(attributes, (_STREAM,), bool)
    first_chunk = _first(attributes, (_FIRST_CHUNK,), float)
    fields["ttft_ms"] = None if first_chunk is None else round(first_chunk * 1000, 6)
    fields["provider_cost"] = _money(_own(attributes, "provider_cost", str))
    fields["tags"] = {
        name.removeprefix(TAG): value
        for name, value in attributes.items()
        if name.startswith(TAG) and isinstance(value, str)
    } or None
    if texts["operation"] in ("embeddings", "embedding") or "embedding" in (
        _own(attributes, "kind", str),
        str(attributes.get(OPENINFERENCE_KIND)).lower(),
    ):
        fields["kind"] = "embedding"
    usage = usage_of(attributes)
    fields["usage_source"] = fields["usage_source"] or ("missing" if usage == Usage() else "provider")
    known = {field: value for field, value in fields.items() if value is not None}
    return CallEvent(event_id=event_id, model=model, usage=usage, **known)


def usage_of(attributes: Mapping[str, object]) -> Usage:
    """Token counts among the attributes; a count that cannot be true is left out."""
    found: dict[str, Any] = {}
    for field in Usage.__struct_fields__:
        if field in OPEN_COUNTS:
            prefix = f"{OWN}usage.{field}."
            found[field] = counts(
                {
                    name.removeprefix(prefix): value
                    for name, value in attributes.items()
                    if name.startswith(prefix) and _is_count(value)
                }
            )
        else:
            names = _USAGE.get(field, (f"{OWN}usage.{field}",))
            found[field] = next((value for name in names if _is_count(value := attributes.get(name))), None)
    return Usage(**found)


def _usage_attributes(usage: Usage) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for field in usage.__struct_fields__:
        if field in OPEN_COUNTS:
            found |= {f"{OWN}usage.{field}.{name}": count for name, count in getattr(usage, field)}
        else:
            found[_USAGE.get(field, (f"{OWN}usage.{field}",))[0]] = getattr(usage, field)
    return found


def _first(attributes: Mapping[str, object], names: tuple[str, ...], kind: type) -> Any:
    """The value under the first name that has one of that kind."""
    return next((value for name in names if type(value := attributes.get(name)) is kind and value != ""), None)


def _own(attributes: Mapping[str, object], field: str, kind: type) -> Any:
    return _first(attributes, (OWN + field,), kind)


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MAX_TOKENS


def _money(text: str | None) -> Decimal | None:
    try:
        amount = Decimal(text or "")
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
