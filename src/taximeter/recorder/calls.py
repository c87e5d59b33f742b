"""What a program calls to say that it used a model: one line each, nothing where nobody meters."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, SupportsIndex

from taximeter.recorder.checks import count, counts, duration, money
from taximeter.recorder.guard import guarded
from taximeter.recorder.record import RejectedError, append_record
from taximeter.redact import shown
from taximeter.usage import OPEN_COUNTS, SUBSETS

_TOKENS = ("prompt_tokens", "completion_tokens", *SUBSETS)
_TERMS = ("service_tier", "speed", "inference_geo", "region")
_TEXTS = ("provider", "response_model", "request_id", "stage_id", "run_id", *_TERMS)


def log_llm_usage(
    model: str | Mapping[str, Any],
    prompt_tokens: SupportsIndex | None = None,
    completion_tokens: SupportsIndex | None = None,
    *,
    cached: bool = False,
    provider: str | None = "openai",
    request_ms: float | None = None,
    request_id: str | None = None,
    cost: Decimal | float | str | None = None,
    stage_id: str | None = None,
    run_id: str | None = None,
    **more: Any,
) -> None:
    """Records one LLM call of this stage; does nothing where nobody meters, and never raises.

    `model` is the model that was asked for, or one mapping with all the fields. `prompt_tokens` and
    `completion_tokens` are inclusive totals; None says that the provider gave none. `cached` means answered from a
    local cache: nothing was bought. `request_ms` is the latency in milliseconds, `cost` what the provider says it
    billed. `more` takes the subsets of the totals by their names in `Usage` (`cache_read_input_tokens`,
    `reasoning_output_tokens`, `audio_input_tokens`, ...), `cache_write_by_ttl` and `counters` as mappings
    (`{"5m": 900}`, `{"web_searches": 2}`), `response_model`, what a price may depend on (`processing="batch"`,
    `service_tier`, `speed`, `inference_geo`, `region`), and `tags`.

    Counts are whole numbers from 0 to 2**63 - 1. A call whose figures cannot be true is kept as a rejected line with
    the reason, and every report counts it.
    """
    if isinstance(model, Mapping):
        _record({"kind": "llm", "provider": provider, **model})
        return
    fields = {
        "kind": "llm",
        "model": model,
        "provider": provider,
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "cached": cached,
        "request_ms": request_ms,
        "request_id": request_id,
        "cost": cost,
        "stage_id": stage_id,
        "run_id": run_id,
    }
    _record({**fields, **more})


def log_embedding_usage(
    model: str | Mapping[str, Any], prompt_tokens: SupportsIndex | None = None, **more: Any
) -> None:
    """Records one embedding call of this stage; takes and does what `log_llm_usage` takes and does."""
    if isinstance(model, Mapping):
        _record({"provider": "openai", **model, "kind": "embedding"})
        return
    _record({"provider": "openai", **more, "kind": "embedding", "model": model, "prompt_tokens": prompt_tokens})


@guarded
def _record(fields: dict[str, Any]) -> None:
    append_record("instrumentation_call_v1", lambda: _checked(fields))


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that say something, each checked; unknown ones pass as they are."""
    call = {name: value for name, value in fields.items() if value is not None}
    if not isinstance(call.get("model"), str) or not call["model"]:
        raise RejectedError(f"model must be a name, not {shown(call.get('model'))}")
    if call["kind"] not in ("llm", "embedding"):
        raise RejectedError(f"kind must be llm or embedding, not {shown(call['kind'])}")
    if call.get("processing", "sync") not in ("sync", "batch"):
        raise RejectedError(f"processing must be sync or batch, not {shown(call['processing'])}")
    for name in _TOKENS:
        if name in call:
            call[name] = count(name, call[name])
    for name in OPEN_COUNTS:
        if name in call:
            call[name] = counts(name, call[name])
    for name in _TEXTS:
        if not isinstance(call.get(name, ""), str):
            raise RejectedError(f"{name} must be a text, not {shown(call[name])}")
    if "request_ms" in call:
        call["request_ms"] = duration("request_ms", call["request_ms"])
    if "cost" in call:
        call["cost"] = money("cost", call["cost"])
    call["cached"] = bool(call.get("cached"))
    return call
