"""What a reader must know before believing the figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from taximeter.numbers import UNKNOWN, plural, size
from taximeter.redact import brief, visible
from taximeter.report import records
from taximeter.report.budget import words
from taximeter.report.gaps import figures_by, gaps, listed, tries
from taximeter.report.wording import cost

_MUCH = 100_000_000
"""Bytes of a log that a person would want to know of."""

_WHY = 400
"""Characters of why a stage failed: enough for the first bad rows of an artifact."""

_MOST_FAILURES = 8
"""Stages of which it is said why they failed."""


def trust(report: records.RunInstrumentation) -> list[str]:
    """Sentences, the gravest first; the last one names the price sheet."""
    if not report.metered:
        return [*_run(report), "Not metered: run with --instrument to see CPU, memory, calls and cost."]
    return [*_run(report), *gaps(report), *_money(report), *_figures(report), _sheet(report.pricing)]


def _run(report: records.RunInstrumentation) -> list[str]:
    notes = []
    if report.status == "lost":
        notes.append("The driver died before the end: figures go as far as they were written.")
    mocked = [brief(stage.id or "") for stage in report.stages if stage.mocked]
    if mocked:
        notes.append(f"Mocked, so not what the real run costs: {listed(mocked)}.")
    if report.trouble:
        notes.append(f"Some files of the run could not be written: {brief(report.trouble)}.")
    notes += _failures(report)
    notes += _budgets(report)
    notes += _conduct(report)
    notes += _stragglers(report)
    uncaptured = _uncaptured(report)
    if uncaptured:
        names = listed(f"{brief(name)} ({count}x)" for name, count in uncaptured.items())
        notes.append(
            f"Calls, if they made any, not captured: {names}. With --proxy (capture: proxy in a recipe) they are. "
            "Short processes may have been overlooked."
        )
    taken_over = [_with_spend(stage, report.pricing.currency) for stage in report.stages if stage.reused_from]
    if taken_over:
        notes.append(f"Reused from another run, which paid for it, so in no figure here: {listed(taken_over)}.")
    stale = [brief(stage.id or "") for stage in report.stages if stage.stale]
    if stale:
        notes.append(f"Stale, since what it reads was made anew: {listed(stale)}.")
    return notes


def _failures(report: records.RunInstrumentation) -> list[str]:
    """Why stages failed, as far as the headline does not say it, and which took more than one attempt."""
    headline = report.error if report.error and brief(report.error) == visible(report.error) else None
    ended = [stage for stage in report.stages if stage.status in ("failed", "lost") and stage.attempts]
    notes = [
        f"{stage.status.capitalize()}: {brief(stage.id or '')}: {visible(error[:_WHY])}."
        for stage in ended
        if (error := stage.attempts[-1].error) and headline not in (error, f"stage {stage.id}: {error}")
    ]
    if len(notes) > _MOST_FAILURES:
        notes[_MOST_FAILURES:] = [f"Not done either: {plural(len(notes) - _MOST_FAILURES, 'other stage')}."]
    again = {brief(stage.id or ""): sum(1 for _ in tries(stage)) - (len(stage.shards) or 1) for stage in report.stages}
    if more := [f"{name} ({count}x)" for name, count in again.items() if count > 0]:
        notes.append(f"Tried again, with every attempt in the figures: {listed(more)}.")
    return notes


def _with_spend(stage: records.StageInstrumentation, currency: str) -> str:
    """The name of a stage that was taken over, and what the other run spent on it."""
    spent = cost(stage.reused.llm_totals, currency) if stage.reused else ""
    return f"{brief(stage.id or '')} ({spent})" if spent not in {"", UNKNOWN} else brief(stage.id or "")


def _budgets(report: records.RunInstrumentation) -> list[str]:
    """The most used limit of each budget."""
    currency = report.pricing.currency
    budgets = [("Budget", report.budget), *((f"Budget of {brief(s.id or '')}", s.budget) for s in report.stages)]
    return [f"{whose}: {words(uses[0], currency)}." for whose, uses in budgets if uses]


def _conduct(report: records.RunInstrumentation) -> list[str]:
    """Stages that had to be handled, by what they did."""
    left = _sums(report, lambda attempt: attempt.leftover_processes)
    deaf = _sums(report, lambda attempt: attempt.deaf_processes)
    logs = _sums(report, lambda attempt: attempt.log_bytes)
    notes = []
    if left:
        notes.append(f"Left processes behind that had to be ended ({sum(left.values())} in all): {listed(left)}.")
    if deaf:
        notes.append(f"Ignored TERM and had to be killed ({sum(deaf.values())} in all): {listed(deaf)}.")
    if large := [f"{name} ({size(count)})" for name, count in logs.items() if count > _MUCH]:
        notes.append(f"Printed much, and all of it is kept: {listed(large)}.")
    return notes


def _stragglers(report: records.RunInstrumentation) -> list[str]:
    """Shards that took much longer than the others of their stage, by their numbers."""
    late = [(stage.id or "", stage.spread.stragglers) for stage in report.stages if stage.spread]
    named = [f"{brief(stage_id)} {listed(map(str, numbers))}" for stage_id, numbers in late if numbers]
    return [f"Shards that took much longer than the others of their stage: {'; '.join(named)}."] if named else []


def _uncaptured(report: records.RunInstrumentation) -> Counter[str]:
    """How many processes of each interpreter were seen that capture nothing, in all attempts."""
    found: Counter[str] = Counter()
    for stage in report.stages:
        for attempt in tries(stage):
            found.update(attempt.uncaptured or {})
    return found


def _sums(report: records.RunInstrumentation, figure: Callable[[records.StageAttempt], int | None]) -> dict[str, int]:
    """A figure of all attempts of a stage, by the name of the stage; those that have none are left out."""
    sums = {brief(stage.id or ""): sum(figure(attempt) or 0 for attempt in tries(stage)) for stage in report.stages}
    return {name: count for name, count in sums.items() if count}


def _money(report: records.RunInstrumentation) -> list[str]:
    totals, pricing = report.totals, report.pricing
    notes = []
    if totals.inconsistent_calls:
        doubtful = [brief(model) for model, sums in totals.per_model.items() if sums.inconsistent_calls]
        notes.append(
            f"{plural(totals.inconsistent_calls, 'call')} inconsistent: token counts that contradict each other are "
            f"taken as given: {listed(doubtful)}."
        )
    if totals.estimated_calls:
        notes.append(
            f"{plural(totals.estimated_calls, 'call')} priced by rates that are not the model's own (~): "
            f"{listed(map(brief, pricing.estimated))}."
        )
    free = [model for model, rates in pricing.models.items() if rates.free]
    if free:
        notes.append(f"Free, as the price sheet states: {listed(map(brief, free))}.")
    if totals.failed_calls:
        failed = [f"{brief(model)} ({s.failed_calls}x)" for model, s in totals.per_model.items() if s.failed_calls]
        notes.append(f"{plural(totals.failed_calls, 'call')} failed: {listed(failed)}.")
    if totals.cached_calls:
        notes.append(f"{plural(totals.cached_calls, 'call')} answered from a local cache: nothing was bought.")
    return notes


def _figures(report: records.RunInstrumentation) -> list[str]:
    notes = list(figures_by(report, "sampled", "Sampled, so a short peak can be missed"))
    if report.losses.truncated:
        notes.append(f"{plural(report.losses.truncated, 'event')} truncated: figures kept, payload gone.")
    return notes


def _sheet(pricing: records.Pricing) -> str:
    dated = f" of {brief(pricing.updated_at)}" if pricing.updated_at else ""
    return f"Prices: {brief(pricing.source or 'none')}{dated}, sheet {visible((pricing.sheet_id or '')[:12])}."
