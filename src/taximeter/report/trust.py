"""What a reader must know before believing the figures."""

from __future__ import annotations

from collections.abc import Iterable

from taximeter.numbers import plural
from taximeter.redact import brief
from taximeter.report import schemas

_FIGURE_NAMES = {
    "wall_seconds": "wall time",
    "cpu_user_seconds": "CPU time",
    "cpu_system_seconds": "CPU time",
    "max_rss_bytes": "memory of the largest process",
    "peak_memory_bytes": "peak memory",
    "io_read_bytes": "bytes read",
    "io_write_bytes": "bytes written",
}


def trust(report: schemas.RunInstrumentation) -> list[str]:
    """Sentences, the gravest first; the last one names the price sheet."""
    if not report.metered:
        return ["Not metered: run with --instrument to see CPU, memory, calls and cost."]
    return [*_run(report), *_money(report), *_losses(report.losses), *_figures(report), _sheet(report.pricing)]


def _run(report: schemas.RunInstrumentation) -> list[str]:
    notes = []
    if report.status == "lost":
        notes.append("The driver died before the end: figures go as far as they were written.")
    mocked = [brief(stage.id or "") for stage in report.stages if stage.mocked]
    if mocked:
        notes.append(f"Mocked, so not what the real run costs: {_listed(mocked)}.")
    taken_over = [brief(stage.id or "") for stage in report.stages if stage.reused_from]
    if taken_over:
        notes.append(f"Reused from another run, which paid for it, so in no figure here: {_listed(taken_over)}.")
    stale = [brief(stage.id or "") for stage in report.stages if stage.stale]
    if stale:
        notes.append(f"Stale, since what it reads was made anew: {_listed(stale)}.")
    return notes


def _money(report: schemas.RunInstrumentation) -> list[str]:
    totals, pricing = report.totals, report.pricing
    notes = []
    if pricing.unpriced:
        count = totals.unpriced_calls + totals.partial_calls
        models = _listed(map(brief, pricing.unpriced))
        notes.append(f"{plural(count, 'call')} without a price, left out of the cost: {models}. Add it to the sheet.")
    if totals.missing_usage_calls:
        notes.append(f"{plural(totals.missing_usage_calls, 'call')} did not say how many tokens they used.")
    if totals.inconsistent_calls:
        doubtful = [brief(model) for model, sums in totals.per_model.items() if sums.inconsistent_calls]
        notes.append(
            f"{plural(totals.inconsistent_calls, 'call')} inconsistent: token counts that contradict each other are "
            f"taken as given: {_listed(doubtful)}."
        )
    if totals.estimated_calls:
        notes.append(
            f"{plural(totals.estimated_calls, 'call')} priced by rates that are not the model's own (~): "
            f"{_listed(map(brief, pricing.estimated))}."
        )
    free = [model for model, rates in pricing.models.items() if rates.free]
    if free:
        notes.append(f"Free, as the price sheet states: {_listed(map(brief, free))}.")
    if totals.cached_calls:
        notes.append(f"{plural(totals.cached_calls, 'call')} answered from a local cache: nothing was bought.")
    return notes


def _losses(losses: schemas.Losses) -> list[str]:
    notes = []
    if losses.rejected:
        reasons = "; ".join(f"{brief(reason)} ({count}x)" for reason, count in losses.reasons.items())
        notes.append(f"{plural(losses.rejected, 'record')} rejected: {reasons}.")
    if losses.torn:
        notes.append(f"{plural(losses.torn, 'line')} torn: their writer died in the middle.")
    if losses.dropped:
        notes.append(f"{plural(losses.dropped, 'event')} dropped.")
    if losses.truncated:
        notes.append(f"{plural(losses.truncated, 'event')} truncated: figures kept, payload gone.")
    return notes


def _figures(report: schemas.RunInstrumentation) -> list[str]:
    notes = []
    for method, sentence in (("sampled", "Sampled, so a short peak can be missed"), ("missing", "Not measured")):
        names = {
            _FIGURE_NAMES[figure]: None
            for stage in report.stages
            for figure, found in stage.methods.items()
            if found == method
        }
        if names:
            notes.append(f"{sentence}: {_listed(names)}.")
    return notes


def _sheet(pricing: schemas.Pricing) -> str:
    dated = f" of {brief(pricing.updated_at)}" if pricing.updated_at else ""
    return f"Prices: {brief(pricing.source or 'none')}{dated}, sheet {(pricing.sheet_id or '')[:12]}."


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:8]) + (f" and {len(every) - 8} more" if len(every) > 8 else "")
