"""What a program calls to say how much work it did."""

from __future__ import annotations

import operator
import time
from typing import Literal, SupportsIndex

from taximeter import settings
from taximeter.clock import iso
from taximeter.numbers import to_json
from taximeter.recorder.guard import guarded
from taximeter.recorder.sinkfile import current_sink
from taximeter.usage import MAX_TOKENS


@guarded
def items(n: SupportsIndex, *, direction: Literal["in", "out"] = "out") -> None:
    """Adds `n` units of work that this stage read (`in`) or made (`out`); never raises.

    For stages whose artifacts are not rows of JSON lines: those are counted without being told.
    """
    sink = current_sink()
    if sink is None:
        return
    number = operator.index(n)
    if not 0 <= number <= MAX_TOKENS or direction not in {"in", "out"}:
        raise ValueError(f"items takes a count of 0 or more and 'in' or 'out', not {number} and {direction!r}")
    record = {
        "schema_version": "instrumentation_items_v1",
        "items": number,
        "direction": direction,
        "stage_id": settings.STAGE_ID.read() or settings.INSTRUMENT_STAGE.read(),
        "created_at": iso(time.time()),
    }
    sink.append(to_json(record))
