"""What a program calls to say how much work it did."""

from __future__ import annotations

from typing import Any, Literal, SupportsIndex

from taximeter import settings
from taximeter.recorder.checks import count
from taximeter.recorder.guard import guarded, rejected
from taximeter.recorder.instance import RECORDER
from taximeter.recorder.record import RejectedError, append_record
from taximeter.recorder.recording import count_items
from taximeter.redact import shown


@guarded
def items(n: SupportsIndex, *, direction: Literal["in", "out"] = "out") -> None:
    """Adds `n` units of work that this stage read (`in`) or made (`out`); never raises.

    For stages whose artifacts are not rows of JSON lines: those are counted without being told. A count that cannot be
    true is kept as a rejected line with the reason.
    """
    if settings.INSTRUMENT_SINK.read() is None and RECORDER.settled():
        try:
            told = _checked(n, direction)
        except RejectedError as error:
            rejected(str(error))
        else:
            count_items(told["direction"], told["items"])
    else:
        append_record("instrumentation_items_v1", lambda: _checked(n, direction))


def _checked(n: object, direction: object) -> dict[str, Any]:
    if direction not in ("in", "out"):
        raise RejectedError(f"direction must be in or out, not {shown(direction)}")
    return {"items": count("items", n), "direction": direction}
