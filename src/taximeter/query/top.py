"""Ready-made questions: where the money went."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from importlib.resources import files

import msgspec

from taximeter.query.answer import Dialect, Store

KEYS = {
    "stage": "coalesce(c.stage_id, '(outside stages)')",
    "model": "c.model",
    "provider": "coalesce(c.provider, 'unknown')",
    "recipe": "coalesce(r.recipe, '(program)')",
    "run": "c.run_id",
    "day": "{day}",
    "session": "coalesce(c.session_id, '(no session)')",
    "status": "c.status",
    "tag": "tag.key || '=' || tag.value",
}
"""What can be asked by, in SQL."""

_DAY: dict[Dialect, str] = {
    "duckdb": "strftime(coalesce(c.started_at, r.started_at), '%Y-%m-%d')",
    "clickhouse": "formatDateTime(toTimeZone(coalesce(c.started_at, r.started_at), {zone:String}), '%Y-%m-%d')",
}
"""Days are those of the time zone of whoever asks."""

_TAGS: dict[Dialect, str] = {
    "duckdb": ", LATERAL (SELECT unnest(map_entries("
    "map_concat(coalesce(r.tags, MAP {}), coalesce(c.tags, MAP {})))) AS tag)",
    "clickhouse": "ARRAY JOIN CAST(mapUpdate(r.tags, c.tags), 'Array(Tuple(key String, value String))') AS tag",
}
"""A row for each tag of a call or of its run."""


class Row(msgspec.Struct, frozen=True):
    """What was spent under one key."""

    key: str | None
    runs: int
    calls: int
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    unpriced: int
    """Calls without a full price."""

    p50_ms: float | None
    p95_ms: float | None
    """Of latencies."""

    currency: str | None


def top(store: Store, by: str, since: datetime | None) -> list[Row]:
    """What was spent by a key of `KEYS`, the most first; of calls from a time on."""
    template = (files("taximeter.query") / f"sql/top.{store.dialect}.sql").read_text()
    key = KEYS[by].replace("{day}", _DAY[store.dialect])
    sql = template.replace("{key}", key).replace("{join}", _TAGS[store.dialect] if by == "tag" else "")
    return [Row(*row) for row in store.ask(sql, {"since": since}).rows]
