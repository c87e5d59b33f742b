"""Ready-made questions: where the money went."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from importlib.resources import files

import msgspec

from taximeter.query.store import Store

KEYS = {
    "stage": "coalesce(c.stage_id, '(outside stages)')",
    "model": "c.model",
    "provider": "coalesce(c.provider, 'unknown')",
    "recipe": "coalesce(r.recipe, '(program)')",
    "run": "c.run_id",
    "day": "strftime(coalesce(c.started_at, r.started_at), '%Y-%m-%d')",
    "session": "coalesce(c.session_id, '(no session)')",
    "status": "c.status",
    "tag": "tag.key || '=' || tag.value",
}
"""What can be asked by, in SQL; days are those of the connection's time zone."""

_TAGS = ", LATERAL (SELECT unnest(map_entries(map_concat(coalesce(r.tags, MAP {}), coalesce(c.tags, MAP {})))) AS tag)"


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
    template = (files("taximeter.query") / "sql/top.sql").read_text()
    sql = template.replace("{key}", KEYS[by]).replace("{join}", _TAGS if by == "tag" else "")
    return [Row(*row) for row in store.ask(sql, {"since": since}).rows]
