"""Two runs side by side: stages aligned, each figure with its difference, and why the cost is another one."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from taximeter.errors import RunDirError
from taximeter.report import records
from taximeter.report.changes import Change, changes
from taximeter.report.effects import Effects, OldPrices, at_old_prices, split, summed
from taximeter.report.side import Side
from taximeter.report.wording import cpu


class Figures(msgspec.Struct, frozen=True):
    """What a stage or a run took and cost; None is unknown."""

    status: records.Status
    wall_seconds: float | None
    cpu_seconds: float | None
    peak_memory_bytes: int | None
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal | None
    cost_status: records.CostStatus | None
    items: int | None
    per_1000_items: records.PerThousandItems | None


class Pair(msgspec.Struct, frozen=True):
    """A stage, or the whole run, in both runs."""

    stage_id: str | None
    before: Figures | None
    """None: it was not there."""

    now: Figures | None
    effects: Effects | None
    """Why its cost differs; None if that cannot be told."""


class Comparison(msgspec.Struct, frozen=True):
    """Two runs side by side."""

    before: Side
    now: Side
    stages: tuple[Pair, ...]
    run: Pair
    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    """What to know before believing the differences."""


def compare(before: Side, now: Side) -> Comparison:
    """Aligns the stages by their ids, those of the later run first.

    Cost effects are per stage, and those of the run are their sum. RunDirError if the costs are in two currencies.
    """
    currencies = [side.report.pricing.currency for side in (before, now)]
    if currencies[0] != currencies[1] and all(side.report.totals.cost is not None for side in (before, now)):
        raise RunDirError(
            f"{before.name} is in {currencies[0]} and {now.name} in {currencies[1]}: reprice one of them first"
        )
    priced = None if now.run is None else at_old_prices(now.run, now, before)
    stages = tuple(_aligned(before.report, now.report, priced))
    effects = [pair.effects for pair in stages if pair.effects is not None]
    run = Pair(None, _of_run(before.report), _of_run(now.report), summed(effects) if priced else None)
    notes = tuple(_notes(before, now, priced))
    return Comparison(before, now, stages, run, tuple(changes(before, now)), notes)


def _aligned(
    before: records.RunInstrumentation, now: records.RunInstrumentation, priced: OldPrices | None
) -> Iterator[Pair]:
    old, new = ({stage.id: stage for stage in report.stages} for report in (before, now))
    for stage_id in dict.fromkeys([*new, *old]):
        was, is_now = old.get(stage_id), new.get(stage_id)
        effects = None
        if priced is not None:
            did, does = (stage.llm_totals if stage else records.Totals() for stage in (was, is_now))
            effects = split(did, does, priced.by_stage.get(stage_id, Decimal(0)))
        yield Pair(
            stage_id, None if was is None else _of_stage(was), None if is_now is None else _of_stage(is_now), effects
        )


def _of_stage(stage: records.StageInstrumentation) -> Figures:
    return Figures(
        status=stage.status,
        wall_seconds=stage.wall_seconds,
        cpu_seconds=cpu(stage),
        peak_memory_bytes=stage.peak_memory_bytes,
        calls=stage.llm_totals.calls,
        prompt_tokens=stage.llm_totals.prompt_tokens,
        completion_tokens=stage.llm_totals.completion_tokens,
        cost=stage.llm_totals.cost,
        cost_status=stage.llm_totals.cost_status,
        items=stage.items_out or stage.items_in,
        per_1000_items=stage.per_1000_items,
    )


def _of_run(report: records.RunInstrumentation) -> Figures:
    headline = report.headline
    items = headline.items if headline else None
    cost = headline.cost_per_1000_items if headline else None
    wall = 1000 * report.wall_seconds / items if items and report.wall_seconds is not None else None
    tokens = report.totals.prompt_tokens + report.totals.completion_tokens
    return Figures(
        status=report.status,
        wall_seconds=report.wall_seconds,
        cpu_seconds=cpu(report),
        peak_memory_bytes=headline.peak_memory_bytes if headline else None,
        calls=report.totals.calls,
        prompt_tokens=report.totals.prompt_tokens,
        completion_tokens=report.totals.completion_tokens,
        cost=report.totals.cost,
        cost_status=report.totals.cost_status,
        items=items,
        per_1000_items=records.PerThousandItems(wall_seconds=wall, tokens=1000 * tokens / items, cost=cost)
        if items
        else None,
    )


def _notes(before: Side, now: Side, priced: OldPrices | None) -> Iterator[str]:
    for side in (before, now):
        report = side.report
        if report.status != "done":
            yield f"{side.name} is {report.status}: its figures are of what it did."
        if report.mocked:
            yield f"{side.name} was mocked: its figures are not those of the real stages."
        if not report.metered:
            yield f"{side.name} was not metered: only its times are known."
        if report.totals.cost_status in ("partial", "unpriced"):
            yield f"The cost of {side.name} is not complete: the difference is of what has a price."
    if priced is None:
        yield f"{now.name} is a saved baseline without its calls: why its cost differs cannot be told."
    elif priced.unknown:
        yield f"Without a price in {before.name}, so counted as mix: {', '.join(priced.unknown)}."
