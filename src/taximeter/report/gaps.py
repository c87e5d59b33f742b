"""What is missing from the figures of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from taximeter.numbers import plural
from taximeter.redact import brief
from taximeter.report import records

_FIGURE_NAMES = {
    "wall_seconds": "wall time",
    "cpu_user_seconds": "CPU time",
    "cpu_system_seconds": "CPU time",
    "max_rss_bytes": "memory of the largest process",
    "peak_memory_bytes": "peak memory",
    "io_read_bytes": "bytes read",
    "io_write_bytes": "bytes written",
}


def gaps(report: records.RunInstrumentation) -> list[str]:
    """Sentences, one for each kind of gap, the gravest first; none if the figures are complete."""
    return [
        *_attempts(report),
        *_undelivered(report),
        *_money(report),
        *_losses(report.losses),
        *figures_by(report, "missing", "Not measured"),
    ]


def figures_by(report: records.RunInstrumentation, method: records.Figure, sentence: str) -> Iterator[str]:
    """One sentence that names the figures which were found by this method."""
    found = (name for stage in report.stages for name, by in stage.methods.items() if by == method)
    names = dict.fromkeys(_FIGURE_NAMES.get(name) or brief(name) for name in found)
    if names:
        yield f"{sentence}: {listed(names)}."


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    every = list(names)
    return ", ".join(every[:8]) + (f" and {len(every) - 8} more" if len(every) > 8 else "")


def tries(stage: records.StageInstrumentation) -> Iterator[records.StageAttempt]:
    """Each attempt of a stage, or of its shards if it has some."""
    if not stage.shards:
        yield from stage.attempts
    for shard in stage.shards:
        yield from shard.attempts


def _attempts(report: records.RunInstrumentation) -> Iterator[str]:
    lost = {stage.id or "": sum(a.status == "lost" for a in tries(stage)) for stage in report.stages}
    if count := sum(lost.values()):
        names = listed(brief(stage_id) for stage_id, attempts in lost.items() if attempts)
        yield f"{plural(count, 'attempt')} lost, with figures as far as they were written: {names}."


def _undelivered(report: records.RunInstrumentation) -> Iterator[str]:
    incomplete = {stage.id or "": sum(not a.complete for a in stage.attempts) for stage in report.stages}
    if count := sum(incomplete.values()):
        names = listed(brief(stage_id) for stage_id, attempts in incomplete.items() if attempts)
        yield f"{plural(count, 'attempt')} whose files did not come home whole from their machines: {names}."


def _money(report: records.RunInstrumentation) -> Iterator[str]:
    totals, unpriced = report.totals, report.pricing.unpriced
    if unpriced:
        count = totals.unpriced_calls + totals.partial_calls
        models = listed(map(brief, unpriced))
        yield f"{plural(count, 'call')} without a price, left out of the cost: {models}. Add it to the sheet."
    if totals.missing_usage_calls:
        yield f"{plural(totals.missing_usage_calls, 'call')} did not say how many tokens they used."


def _losses(losses: records.Losses) -> Iterator[str]:
    if losses.rejected:
        reasons = "; ".join(f"{brief(reason)} ({count}x)" for reason, count in losses.reasons.items())
        yield f"{plural(losses.rejected, 'record')} rejected: {reasons}."
    if losses.torn:
        yield f"{plural(losses.torn, 'line')} torn: their writer died in the middle."
    if losses.dropped:
        yield f"{plural(losses.dropped, 'event')} dropped."
