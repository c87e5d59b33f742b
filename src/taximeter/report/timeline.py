"""When calls happened and how long they took, in the words of a report."""

from __future__ import annotations

from taximeter.clock import iso
from taximeter.ledger.latency import Latencies
from taximeter.ledger.timeline import Timeline
from taximeter.report import schemas


def timeline_record(timeline: Timeline, started: float | None) -> schemas.Timeline:
    """The bars as columns, in milliseconds since `started` (seconds since the epoch), or since the first bar."""
    bars = timeline.bars()
    origin = started if started is not None else bars[0].start if bars else None
    if origin is None:
        return schemas.Timeline(untimed_calls=timeline.untimed)
    stages = {stage_id: index for index, stage_id in enumerate(dict.fromkeys(bar.stage_id for bar in bars))}
    models = {model: index for index, model in enumerate(dict.fromkeys(bar.model for bar in bars))}
    return schemas.Timeline(
        started_at=iso(origin),
        bin_seconds=timeline.width,
        untimed_calls=timeline.untimed,
        left_out_calls=timeline.left_out,
        stages=list(stages),
        models=list(models),
        stage=[stages[bar.stage_id] for bar in bars],
        model=[models[bar.model] for bar in bars],
        attempt=[bar.attempt for bar in bars],
        start_ms=[round((bar.start - origin) * 1000) for bar in bars],
        end_ms=[round((bar.end - origin) * 1000) for bar in bars],
        busy_ms=[round(bar.busy * 1000) for bar in bars],
        calls=[bar.calls for bar in bars],
        failed=[bar.failed for bar in bars],
        tokens=[bar.tokens for bar in bars],
        cost=[bar.cost for bar in bars],
    )


def latency_record(latencies: Latencies | None) -> schemas.Latency:
    """Percentiles of one stage's calls."""
    if latencies is None:
        return schemas.Latency()
    return schemas.Latency(
        calls=latencies.count,
        p50_ms=latencies.percentile(0.5),
        p95_ms=latencies.percentile(0.95),
        longest_ms=latencies.longest,
        total_ms=latencies.total,
    )
