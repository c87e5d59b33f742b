"""What a run wrote as rows of the tables, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa

from taximeter.events import CallEvent, SpanEvent
from taximeter.ledger.manifest import ManifestLine
from taximeter.pricing.cost import Cost
from taximeter.query.tables import ITEM, OF_RUN
from taximeter.usage import MAX_TOKENS, SUBSETS

BATCH = 20_000
"""Rows that are held at a time."""

Write = Callable[[str, pa.RecordBatch], None]
"""Takes rows of the table of that name."""

_MICRO = 1_000_000
_SAME_OF_CALL = (
    "stage_id",
    "attempt",
    "shard",
    "session_id",
    "span_id",
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
    "request_ms",
    "ttft_ms",
    "request_id",
    "response_id",
    "captured_by",
)
_SAME_OF_SPAN = (
    "span_id",
    "parent_id",
    "trace_id",
    "kind",
    "span",
    "parent_span",
    "stage_id",
    "attempt",
    "shard",
    "session_id",
    "status",
    "error",
    "wall_ms",
    "cpu_ms",
    "pid",
    "node",
)


class _Totals(msgspec.Struct):
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal | None = None
    cost_status: str | None = None


class _Measured(msgspec.Struct, kw_only=True):
    status: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    wall_seconds: float | None = None
    cpu_user_seconds: float | None = None
    cpu_system_seconds: float | None = None
    max_rss_bytes: int | None = None
    peak_memory_bytes: int | None = None
    io_read_bytes: int | None = None
    io_write_bytes: int | None = None
    exit_code: int | None = None
    signal: int | None = None


class _Attempt(_Measured, kw_only=True):
    attempt: int
    error: str | None = None


class _Shard(msgspec.Struct):
    shard: int | None = None
    attempts: list[_Attempt] = []


class _Stage(_Measured, kw_only=True):
    id: str | None
    stage: str | None = None
    module_id: str | None = None
    items_in: int | None = None
    items_out: int | None = None
    reused_from: str | None = None
    attempts: list[_Attempt] = []
    shards: list[_Shard] = []
    llm_totals: _Totals = msgspec.field(default_factory=_Totals)


class _Report(msgspec.Struct):
    """The part of `instrumentation.json` that has rows."""

    run_id: str
    stages: list[_Stage] = []


class RunRows:
    """Listens to a replay of a run, and writes its rows; `finish` writes what is left.

    `tables` are those that are wanted, with the columns that are wanted of each.
    """

    def __init__(self, run_id: str, write: Write, tables: Mapping[str, pa.Schema] = OF_RUN) -> None:
        self._run_id = run_id
        self._write = write
        self._tables = tables
        self._columns: dict[str, dict[str, list[Any]]] = {
            table: {name: [] for name in schema.names} for table, schema in tables.items()
        }

    def run(self, line: ManifestLine, **more: Any) -> None:
        """Takes what the manifest says of the run; `more` are columns that only some know."""
        self._add("runs", run_row(line) | more)

    def report(self, report_json: bytes, **more: Any) -> None:
        """Takes the stages of a report (`instrumentation.json`), and their attempts or those of their shards."""
        for stage in msgspec.json.decode(report_json, type=_Report).stages:
            totals = stage.llm_totals
            self._add(
                "stages",
                {
                    **_plain(stage, "stage", "module_id", "items_in", "items_out", "reused_from"),
                    "stage_id": stage.id,
                    "attempts": sum(len(of.attempts) for of in stage.shards) or len(stage.attempts),
                    "shards": sum(of.shard is not None for of in stage.shards) or None,
                    "calls": totals.calls,
                    "input_tokens": _fitting(totals.prompt_tokens),
                    "output_tokens": _fitting(totals.completion_tokens),
                    "cost": totals.cost,
                    "cost_status": totals.cost_status,
                    **more,
                },
            )
            for of in stage.shards or [_Shard(None, stage.attempts)]:
                for attempt in of.attempts:
                    self._add(
                        "attempts",
                        _plain(attempt, "attempt", "error") | {"stage_id": stage.id, "shard": of.shard, **more},
                    )

    def call(self, call: CallEvent, cost: Cost) -> None:
        """Takes a call, and each line of its invoice."""
        call_id, started_at = f"{call.event_id[0]}:{call.event_id[1]}", _moment(call.started_at)
        usage = call.usage
        line_items = [{name: getattr(item, name) for name in ITEM} for item in cost.line_items]
        self._add(
            "calls",
            {
                **{name: getattr(call, name) for name in _SAME_OF_CALL},
                "call_id": call_id,
                "seq": call.event_id[1],
                "started_at": started_at,
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                **{name: getattr(usage, name) for name in SUBSETS},
                "cost": cost.amount,
                "currency": cost.currency,
                "cost_status": cost.status,
                "cost_source": cost.source,
                "saved_cost": cost.saved,
                "price_entry": cost.entry,
                "tags": list((call.tags or {}).items()),
                "line_items": line_items,
            },
        )
        if "line_items" in self._tables:
            of_call = {"call_id": call_id, "stage_id": call.stage_id, "model": call.model, "started_at": started_at}
            for item in line_items:
                self._add("line_items", item | of_call)

    def span(self, span: SpanEvent) -> None:
        """Takes a span; one that goes on has no end yet."""
        self._add(
            "spans",
            {
                **{name: getattr(span, name) for name in _SAME_OF_SPAN},
                "started_at": _moment(span.started_at),
                "ended_at": _moment(span.ended_at),
                "seq": span.seq,
                "tags": list((span.tags or {}).items()),
            },
        )

    def finish(self) -> None:
        """Writes what is left, table by table; each gets one batch at least, so that it has its columns."""
        for table in self._tables:
            self._flush(table)

    def _add(self, table: str, row: Mapping[str, Any]) -> None:
        columns = self._columns[table]
        for name, column in columns.items():
            column.append(row.get(name))
        columns["run_id"][-1] = self._run_id
        if len(columns["run_id"]) >= BATCH:
            self._flush(table)

    def _flush(self, table: str) -> None:
        schema, columns = self._tables[table], self._columns[table]
        self._write(table, pa.record_batch(list(columns.values()), schema=schema))
        for column in columns.values():
            column.clear()


def run_row(line: ManifestLine) -> dict[str, Any]:
    """A run as a row of `runs`."""
    totals = msgspec.structs.asdict(line.totals) if line.totals else {}
    return {
        "run_id": line.run_id,
        "recipe": line.recipe,
        "status": line.status,
        "started_at": _moment_of_text(line.started_at),
        "ended_at": _moment_of_text(line.ended_at),
        "input_tokens": _fitting(totals.pop("prompt_tokens", None)),
        "output_tokens": _fitting(totals.pop("completion_tokens", None)),
        **totals,
        "git_sha": line.git.sha if line.git else None,
        "git_dirty": line.git.dirty if line.git else None,
        "tags": list((line.tags or {}).items()),
    }


def _plain(record: _Measured, *more: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in (*_Measured.__struct_fields__, *more)}


def _fitting(tokens: int | None) -> int | None:
    """A sum of tokens; None if it does not fit into a column, as sums of absurd counts do not."""
    return None if tokens is None or tokens > MAX_TOKENS else tokens


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(round(seconds * _MICRO) / _MICRO, UTC)


def _moment_of_text(iso: str | None) -> datetime | None:
    try:
        return None if iso is None else datetime.fromisoformat(iso)
    except ValueError:
        return None
