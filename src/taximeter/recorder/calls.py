"""What a program calls to say that it used a model: one line each, nothing where nobody meters."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, SupportsIndex

import msgspec

from taximeter.events import META_TERMS, CallEvent, CallKind
from taximeter.recorder.checks import count, counts, duration, money
from taximeter.recorder.claims import BY_HAND
from taximeter.recorder.guard import delivering, rejected, text
from taximeter.recorder.instance import RECORDER
from taximeter.recorder.record import RejectedError, append_record
from taximeter.recorder.recording import NO_EVENT_ID, record_call, trace_here
from taximeter.redact import shown
from taximeter.usage import NO_USAGE, OPEN_COUNTS, SUBSETS, Usage, violations
from taximeter.usage import counts as usage_counts

_TOKENS = ("prompt_tokens", "completion_tokens", *SUBSETS)
_COUNTS = ("input_tokens", "output_tokens", *SUBSETS)
_SINK_NAMES = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
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


def record_usage(
    usage: Usage,
    model: str,
    *,
    kind: CallKind = "llm",
    provider: str | None = None,
    cached: bool = False,
    request_ms: float | None = None,
    request_id: str | None = None,
    cost: Decimal | float | str | None = None,
    response_model: str | None = None,
    stage_id: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Records one call with a usage that is known already; the fields mean what they mean in `log_llm_usage`."""
    fields = {"kind": kind, "model": model, "provider": provider, "cached": cached, "request_ms": request_ms}
    more = {"request_id": request_id, "cost": cost, "response_model": response_model, "stage_id": stage_id}
    _record_known({**fields, **more, "usage": usage, "tags": tags})


@delivering
def _record_known(fields: dict[str, Any]) -> None:
    usage = fields.pop("usage")
    counts = {_SINK_NAMES.get(name, name): getattr(usage, name) for name in _COUNTS}
    _record({**fields, **counts, **{name: dict(getattr(usage, name)) for name in OPEN_COUNTS}})


@delivering
def _record(fields: dict[str, Any]) -> None:
    if BY_HAND.claim(fields, trace_here()):
        return
    if not RECORDER.settled():
        append_record("instrumentation_call_v1", lambda: _checked(fields))
        return
    try:
        call = _event(_checked(fields))
    except (RejectedError, msgspec.ValidationError) as error:
        rejected(f"{error!s:.200}")
    else:
        record_call(call)


def _event(fields: dict[str, Any]) -> CallEvent:
    """Checked fields as an event; the recorder fills in the rest."""
    counts: dict[str, Any] = {name: fields.get(_SINK_NAMES.get(name, name)) for name in _COUNTS}
    opened = {name: usage_counts(fields.get(name, {})) for name in OPEN_COUNTS}
    usage = msgspec.convert(counts | opened, Usage)
    tags = fields.get("tags")
    return CallEvent(
        event_id=NO_EVENT_ID,
        kind=fields["kind"],
        provider=fields.get("provider"),
        model=fields["model"],
        response_model=fields.get("response_model"),
        usage=usage,
        usage_source="missing" if usage == NO_USAGE else "user",
        inconsistent=violations(usage),
        cached=fields["cached"],
        processing=fields.get("processing", "sync"),
        service_tier=fields.get("service_tier"),
        region=fields.get("region"),
        request_id=fields.get("request_id"),
        request_ms=fields.get("request_ms"),
        provider_cost=fields.get("cost"),
        stage_id=fields.get("stage_id"),
        tags={text(name): text(value) for name, value in tags.items()} if isinstance(tags, Mapping) else None,
        captured_by="user",
        meta={name: fields[name] for name in META_TERMS if name in fields} or None,
    )


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
