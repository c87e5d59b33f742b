"""How far a stage says that it is, and when it will be done if it goes on like that."""

from __future__ import annotations

from taximeter.ledger.progress import ProgressLine
from taximeter.report import records


def progress_record(said: ProgressLine | None, attempt: records.StageAttempt) -> records.StageProgress | None:
    """The latest that an attempt said; None if it said nothing."""
    if said is None:
        return None
    speed = said.current / attempt.wall_seconds if said.current and attempt.wall_seconds else None
    left = None
    if speed and said.total is not None and said.current is not None and attempt.status == "running":
        left = max(said.total - said.current, 0.0) / speed
    return records.StageProgress(
        current=said.current,
        total=said.total,
        percent=said.percent,
        message=said.message,
        per_second=speed,
        seconds_left=left,
    )
