"""The tables that questions are asked of: names, columns and types, in Arrow's words.

Times are UTC, money is DECIMAL(38,12), tokens are 64-bit; what is not known is NULL.
"""

from __future__ import annotations

import pyarrow as pa

from taximeter.usage import SUBSETS

MONEY = pa.decimal128(38, 12)
TIME = pa.timestamp("us", "UTC")
TAGS = pa.map_(pa.string(), pa.string())

_TEXT = pa.string()
_COUNT = pa.int64()
_FIGURE = pa.float64()

RUNS = pa.schema(
    {
        "run_id": _TEXT,
        "recipe": _TEXT,
        "status": _TEXT,
        "started_at": TIME,
        "ended_at": TIME,
        "wall_seconds": _FIGURE,
        "cpu_seconds": _FIGURE,
        "calls": _COUNT,
        "input_tokens": _COUNT,
        "output_tokens": _COUNT,
        "cost": MONEY,
        "cost_status": _TEXT,
        "currency": _TEXT,
        "metered": pa.bool_(),
        "mocked": pa.bool_(),
        "git_sha": _TEXT,
        "git_dirty": pa.bool_(),
        "tags": TAGS,
    }
)

_MEASURED = {
    "status": _TEXT,
    "started_at": TIME,
    "ended_at": TIME,
    "wall_seconds": _FIGURE,
    "cpu_user_seconds": _FIGURE,
    "cpu_system_seconds": _FIGURE,
    "max_rss_bytes": _COUNT,
    "peak_memory_bytes": _COUNT,
    "io_read_bytes": _COUNT,
    "io_write_bytes": _COUNT,
    "exit_code": _COUNT,
    "signal": _COUNT,
}

STAGES = pa.schema(
    {
        "run_id": _TEXT,
        "stage_id": _TEXT,
        "stage": _TEXT,
        "module_id": _TEXT,
        **_MEASURED,
        "items_in": _COUNT,
        "items_out": _COUNT,
        "attempts": _COUNT,
        "shards": _COUNT,
        "calls": _COUNT,
        "input_tokens": _COUNT,
        "output_tokens": _COUNT,
        "cost": MONEY,
        "cost_status": _TEXT,
        "reused_from": _TEXT,
    }
)

ATTEMPTS = pa.schema(
    {"run_id": _TEXT, "stage_id": _TEXT, "shard": _COUNT, "attempt": _COUNT, **_MEASURED, "error": _TEXT}
)

SPANS = pa.schema(
    {
        "run_id": _TEXT,
        "span_id": _TEXT,
        "parent_id": _TEXT,
        "trace_id": _TEXT,
        "kind": _TEXT,
        "span": _TEXT,
        "parent_span": _TEXT,
        "stage_id": _TEXT,
        "attempt": _COUNT,
        "shard": _COUNT,
        "session_id": _TEXT,
        "status": _TEXT,
        "error": _TEXT,
        "started_at": TIME,
        "ended_at": TIME,
        "wall_ms": _FIGURE,
        "cpu_ms": _FIGURE,
        "pid": _COUNT,
        "node": _TEXT,
        "tags": TAGS,
    }
)

CALLS = pa.schema(
    {
        "run_id": _TEXT,
        "call_id": _TEXT,
        "stage_id": _TEXT,
        "attempt": _COUNT,
        "shard": _COUNT,
        "session_id": _TEXT,
        "span_id": _TEXT,
        "kind": _TEXT,
        "provider": _TEXT,
        "model": _TEXT,
        "response_model": _TEXT,
        "operation": _TEXT,
        "status": _TEXT,
        "cached": pa.bool_(),
        "processing": _TEXT,
        "service_tier": _TEXT,
        "region": _TEXT,
        "tries": _COUNT,
        "stream": pa.bool_(),
        "usage_source": _TEXT,
        "started_at": TIME,
        "request_ms": _FIGURE,
        "ttft_ms": _FIGURE,
        "input_tokens": _COUNT,
        "output_tokens": _COUNT,
        **dict.fromkeys(SUBSETS, _COUNT),
        "cost": MONEY,
        "currency": _TEXT,
        "cost_status": _TEXT,
        "cost_source": _TEXT,
        "saved_cost": MONEY,
        "price_entry": _TEXT,
        "request_id": _TEXT,
        "response_id": _TEXT,
        "captured_by": _TEXT,
        "tags": TAGS,
    }
)

LINE_ITEMS = pa.schema(
    {
        "run_id": _TEXT,
        "call_id": _TEXT,
        "stage_id": _TEXT,
        "model": _TEXT,
        "started_at": TIME,
        "unit": _TEXT,
        "quantity": _COUNT,
        "rate": MONEY,
        "per": _COUNT,
        "amount": MONEY,
        "rule": _TEXT,
    }
)

ITEM = ("unit", "quantity", "rate", "per", "amount", "rule")
"""Columns of a line item that its call does not have."""

OF_RUN = {"stages": STAGES, "attempts": ATTEMPTS, "spans": SPANS, "calls": CALLS, "line_items": LINE_ITEMS}
"""Tables that each run directory has of its own; `runs` is made of the manifest."""
