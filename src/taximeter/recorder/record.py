"""One record of the sink: stamped, and kept as a rejected one where its figures cannot be true."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from taximeter import settings
from taximeter.clock import iso
from taximeter.numbers import to_json
from taximeter.recorder.sinkfile import current_sink


class RejectedError(Exception):
    """A figure that cannot be true, with the reason."""


def append_record(schema_version: str, fields: Callable[[], dict[str, Any]]) -> None:
    """Writes a record with these fields; does nothing where nobody meters.

    `fields` raises RejectedError if they cannot be true: then a rejected record with the reason is written.
    """
    sink = current_sink()
    if sink is None:
        return
    stamp = {
        "stage_id": settings.STAGE_ID.read() or settings.INSTRUMENT_STAGE.read(),
        "run_id": settings.STAGE_RUN_ID.read(),
        "created_at": iso(time.time()),
    }
    try:
        line = to_json({"schema_version": schema_version, **stamp, **fields()})
    except (RejectedError, TypeError, ValueError, RecursionError) as error:  # or a field that no JSON can hold
        line = to_json({"schema_version": "instrumentation_rejected_v1", "reason": f"{error!s:.200}", **stamp})
    sink.append(line)
