"""The rows that are shipped, in Arrow's words: those of questions, and what a warehouse needs to tell them apart.

`seq` says which of two rows with the same key is the later one. That of a span or call is its own; that of a row about
a whole stage or run is how many bytes of the run had been read when it was made. `day` is when the run first began.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from taximeter.query.tables import ATTEMPTS, CALLS, ITEM, LINE_ITEMS, RUNS, SPANS, STAGES

_SEQ = {"seq": pa.uint64()}
_DAY = {"day": pa.date32()}

_ITEMS = {"line_items": pa.list_(pa.struct({name: LINE_ITEMS.field(name).type for name in ITEM}))}


def _with(schema: pa.Schema, *more: dict[str, Any]) -> pa.Schema:
    for fields in more:
        for name, kind in fields.items():
            schema = schema.append(pa.field(name, kind))
    return schema


SHIPPED = {
    "calls": _with(CALLS, _ITEMS, _SEQ),
    "spans": _with(SPANS, _SEQ),
    "attempts": _with(ATTEMPTS, _DAY, _SEQ),
    "stages": _with(STAGES, _DAY, _SEQ),
    "runs": _with(RUNS, _DAY, _SEQ),
}
"""In the order in which they are sent: a run that is in `runs` is there whole."""
