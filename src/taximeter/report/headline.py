"""What a person wants to know first: the figures of the whole run, where they went, and what to shorten."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from taximeter import numbers
from taximeter.pricing.cost import rounded
from taximeter.report import records
from taximeter.report.stage import known
from taximeter.report.wording import cpu, name


def overview(report: records.RunInstrumentation) -> dict[str, Any]:
    """The fields of a report that follow from its other fields."""
    return {"headline": _headline(report), "summary": _summary(report), "critical_path": critical_path(report.stages)}


def _headline(report: records.RunInstrumentation) -> records.Headline:
    totals, wall = report.totals, report.wall_seconds
    in_stages = known(sum, (stage.wall_seconds for stage in report.stages))
    items = next((s.items_out or s.items_in for s in reversed(report.stages) if s.items_out or s.items_in), None)
    return records.Headline(
        run_id=report.run_id,
        status=report.status,
        wall_seconds=wall,
        cost=totals.cost,
        cost_status=totals.cost_status,
        prompt_tokens=totals.prompt_tokens,
        cache_read_input_tokens=totals.cache_read_input_tokens,
        completion_tokens=totals.completion_tokens,
        embedding_tokens=totals.embedding_tokens,
        calls=totals.calls,
        peak_memory_bytes=known(max, (stage.peak_memory_bytes for stage in report.stages)),
        cpu_seconds=cpu(report),
        parallelism=in_stages / wall if in_stages is not None and wall else None,
        items=items,
        cost_per_1000_items=rounded(totals.cost, 1000, items) if items and totals.cost is not None else None,
    )


def _summary(report: records.RunInstrumentation) -> str:
    """`index took 61 % of the wall time and 78 % of the cost.`"""
    walls = [stage for stage in report.stages if stage.wall_seconds]
    if not walls or not report.wall_seconds:
        return ""
    slowest = max(walls, key=lambda stage: stage.wall_seconds or 0)
    time = f"{name(slowest)} took {numbers.percent(slowest.wall_seconds or 0, report.wall_seconds)} of the wall time"
    dearest = max(report.stages, key=lambda stage: stage.llm_totals.cost or Decimal(0))
    if not report.totals.cost or not dearest.llm_totals.cost:
        return f"{time}."
    share = numbers.percent(float(dearest.llm_totals.cost), float(report.totals.cost))
    return f"{time} and {share} of the cost." if dearest is slowest else f"{time}; {name(dearest)} {share} of the cost."


def critical_path(stages: list[records.StageInstrumentation]) -> records.CriticalPath:
    """From the stage that ended last back through those that each one waited for longest.

    Stages that a program names itself wait for nothing that anybody knows of: they are on no path. Seconds are those
    of the stages on it; what the driver took in between is not among them.
    """
    ended = {stage.id: stage for stage in stages if stage.id and stage.attempts and stage.ended_at}
    path: dict[str | None, records.StageInstrumentation] = {}
    candidates = list(ended.values())
    while candidates:
        latest = max(candidates, key=lambda stage: stage.ended_at or "")
        path[latest.id] = latest
        candidates = [ended[need] for need in latest.needs if need in ended and need not in path]
    return records.CriticalPath(
        stages=[stage_id or "" for stage_id in reversed(path)],
        seconds=sum(stage.wall_seconds or 0.0 for stage in reversed(path.values())),
    )
