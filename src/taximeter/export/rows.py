"""Calls as flat rows, for tables of any kind."""

from __future__ import annotations

from typing import Any

from taximeter.clock import iso
from taximeter.events import CallEvent
from taximeter.pricing.cost import Cost
from taximeter.usage import SUBSETS

_OF_CALL = (
    "run_id",
    "stage_id",
    "attempt",
    "shard",
    "session_id",
    "kind",
    "provider",
    "model",
    "response_model",
    "operation",
    "status",
    "cached",
    "processing",
    "service_tier",
    "region",
    "tries",
    "stream",
    "usage_source",
)
COLUMNS = (
    "started_at",
    *_OF_CALL,
    "request_ms",
    "ttft_ms",
    "input_tokens",
    "output_tokens",
    *SUBSETS,
    "cost",
    "currency",
    "cost_status",
    "cost_source",
    "price_entry",
    "request_id",
    "response_id",
    "span_id",
    "tags",
)
"""Names of the columns, in order; tokens by their names in a usage, times in milliseconds, `started_at` in UTC."""


def call_row(call: CallEvent, cost: Cost) -> dict[str, Any]:
    """One call by these columns; None is unknown."""
    usage = call.usage
    tags = call.tags or {}
    return {
        "started_at": None if call.started_at is None else iso(call.started_at),
        **{name: getattr(call, name) for name in _OF_CALL},
        "request_ms": call.request_ms,
        "ttft_ms": call.ttft_ms,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        **{name: getattr(usage, name) for name in SUBSETS},
        "cost": cost.amount,
        "currency": cost.currency,
        "cost_status": cost.status,
        "cost_source": cost.source,
        "price_entry": cost.entry,
        "request_id": call.request_id,
        "response_id": call.response_id,
        "span_id": call.span_id,
        "tags": ",".join(f"{name}={text}" for name, text in sorted(tags.items())) or None,
    }
