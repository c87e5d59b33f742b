"""What a program calls to say that it used a model: one line each, nothing where nobody meters."""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, SupportsFloat, SupportsIndex

from taximeter import settings
from taximeter.clock import iso
from taximeter.numbers import to_json
from taximeter.recorder.guard import guarded
from taximeter.recorder.sinkfile import current_sink
from taximeter.usage import MAX_TOKENS, SUBSETS

_TOKENS = ("prompt_tokens", "completion_tokens", *SUBSETS)
MAX_MAGNITUDE = 18
"""A call that costs more than 10**19 of anything is a mistake."""

_TEXTS = ("provider", "response_model", "request_id", "stage_id", "run_id")


class _RejectedError(Exception):
    """A figure that cannot be true, with the reason."""


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
    billed. `more` takes the subsets of the totals (`cache_read_input_tokens`, `cache_write_input_tokens`,
    `tool_use_input_tokens`, `reasoning_output_tokens`), `response_model`, and `tags`.

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
    sink = current_sink()
    if sink is None:
        return
    stamp = {
        "stage_id": settings.STAGE_ID.read() or settings.INSTRUMENT_STAGE.read(),
        "run_id": settings.STAGE_RUN_ID.read(),
        "created_at": iso(time.time()),
    }
    try:
        line = to_json({"schema_version": "instrumentation_call_v1", **stamp, **_checked(fields)})
    except _RejectedError as reason:
        line = to_json({"schema_version": "instrumentation_rejected_v1", "reason": str(reason), **stamp})
    except (TypeError, ValueError, RecursionError) as error:  # a field that no JSON can hold
        line = to_json({"schema_version": "instrumentation_rejected_v1", "reason": f"{error!s:.200}", **stamp})
    sink.append(line)


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that say something, each checked; unknown ones pass as they are."""
    call = {name: value for name, value in fields.items() if value is not None}
    if not isinstance(call.get("model"), str) or not call["model"]:
        raise _RejectedError(f"model must be a name, not {_shown(call.get('model'))}")
    if call["kind"] not in ("llm", "embedding"):
        raise _RejectedError(f"kind must be llm or embedding, not {_shown(call['kind'])}")
    for name in _TOKENS:
        if name in call:
            call[name] = _count(name, call[name])
    for name in _TEXTS:
        if not isinstance(call.get(name, ""), str):
            raise _RejectedError(f"{name} must be a text, not {_shown(call[name])}")
    if "request_ms" in call:
        call["request_ms"] = _duration(call["request_ms"])
    if "cost" in call:
        call["cost"] = _money(call["cost"])
    call["cached"] = bool(call.get("cached"))
    return call


def _count(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if isinstance(value, bool) or not 0 <= number <= MAX_TOKENS:
        raise _RejectedError(f"{name} must be a whole number from 0 to 2**63 - 1, not {_shown(value)}")
    return number


def _duration(value: Any) -> float:
    number = float(value) if isinstance(value, SupportsFloat) and not isinstance(value, bool) else math.nan
    if not math.isfinite(number) or number < 0:
        raise _RejectedError(f"request_ms must be milliseconds, 0 or more, not {_shown(value)}")
    return number


def _money(value: Any) -> Decimal:
    try:
        amount = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or amount < 0 or amount.adjusted() > MAX_MAGNITUDE:
        raise _RejectedError(f"cost must be an amount of money, 0 or more, not {_shown(value)}")
    return amount


def _shown(value: object) -> str:
    """A figure as it is; of anything else only the kind, since a rejected line carries no payload."""
    if isinstance(value, bool | float | None):
        return str(value)
    if type(value) is int:
        return f"{value}" if abs(value) < 10**24 else "a huge integer"
    return f"a value of type {type(value).__name__}"
