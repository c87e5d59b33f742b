"""What processes tell of themselves: the stages that a program names, its own figures, and what it lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from taximeter.clock import iso
from taximeter.events import SpanEvent, Status
from taximeter.ledger.ledger import Ledger
from taximeter.ledger.local import LocalStage
from taximeter.report import records
from taximeter.report.stage import known, per_thousand

_KNOWN_LOSSES = ("rejected", "torn", "dropped", "truncated")


def local_stage(
    stage_id: str, local: LocalStage, totals: records.Totals, now: float | None
) -> records.StageInstrumentation:
    """A stage that was run many times inside processes: times are added, also of runs at the same time.

    `now` (seconds since the epoch) is None if nobody runs it any more.
    """
    goes_on = [max(now - span.started_at, 0.0) for span in local.open.values()] if now is not None else []
    wall = local.wall_ms / 1000 + sum(goes_on) if local.runs or goes_on else None
    items = local.items_out or local.items_in
    return records.StageInstrumentation(
        id=stage_id,
        stage=local.stage,
        status=_status(local, now),
        started_at=iso(local.started_at),
        ended_at=None if local.open or local.ended_at is None else iso(local.ended_at),
        wall_seconds=wall,
        cpu_user_seconds=None if local.cpu_ms is None else local.cpu_ms / 1000,
        methods={
            "wall_seconds": "missing" if wall is None else "exact",
            "cpu_user_seconds": "missing" if local.cpu_ms is None else "exact",
        },
        items_in=local.items_in,
        items_out=local.items_out,
        per_1000_items=per_thousand(items, wall, totals),
        llm_totals=totals,
        extra={"runs": local.runs, "failed_runs": local.failed, "cpu_method": "thread"},
    )


def _status(local: LocalStage, now: float | None) -> Status:
    if not local.open:
        return local.latest.status
    return "lost" if now is None else "running"


def cpu_of(processes: Sequence[SpanEvent]) -> float | None:
    """CPU seconds, user and system, of all processes that recorded themselves; as far as they told."""
    seconds: float | None = known(sum, (span.cpu_ms for span in processes))
    return None if seconds is None else seconds / 1000


def losses_record(ledger: Ledger) -> records.Losses:
    """What was lost when the run was read, and what its processes say that they lost."""
    losses, reasons = Counter(ledger.losses), Counter(ledger.reasons)
    for process in ledger.processes():
        losses.update(process.losses or {})
        told = (process.meta or {}).get("reasons")
        if isinstance(told, dict):
            reasons.update({str(reason): count for reason, count in told.items() if isinstance(count, int)})
    counts = {name: losses[name] for name in _KNOWN_LOSSES}
    counts["dropped"] += sum(count for name, count in losses.items() if name not in _KNOWN_LOSSES)
    return records.Losses(**counts, reasons=dict(reasons))
