"""The report of a run, out of its books."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from taximeter.events import TROUBLE, SpanEvent
from taximeter.ledger.ledger import StageSpans
from taximeter.recipe.plan import PlannedStage
from taximeter.report import records
from taximeter.report.budget import budget_record
from taximeter.report.build import PROGRAM, UNPLANNED
from taximeter.report.headline import overview
from taximeter.report.local import cpu_of, local_stage, losses_record
from taximeter.report.pricing import pricing_record
from taximeter.report.programs import over_programs
from taximeter.report.progress import progress_record
from taximeter.report.reused import read_reused
from taximeter.report.shards import Leaf, Shards, has_shards
from taximeter.report.sittings import Sittings, status_at
from taximeter.report.spantree import span_tree
from taximeter.report.stage import attempt_record, former_stage, known, over_attempts, per_thousand
from taximeter.report.tally import call_record, roll_up
from taximeter.report.timeline import latencies_of_stages, timeline_record

if TYPE_CHECKING:
    from taximeter.report.build import Books

_NO_CALLS = records.Totals()
"""Of all stages that made none: there can be thousands."""

_NEVER_BEGAN = "its driver died before there was a plan: the same command with --skip-done starts it"


def report_of(books: Books) -> records.RunInstrumentation:
    """The report as of what the ledger has taken. What has no end is running if the driver lives, else lost."""
    processes = books.ledger.processes()
    now = books.clock.now() if books.goes_on(processes) else None
    sittings = Sittings(_sittings(books, processes, now is not None), now)
    span = sittings.latest
    meta = dict((span.meta if span else None) or {})
    trouble = meta.pop(TROUBLE, None)
    spans, leaves = books.ledger.stages(), _leaves(books)
    stages = [
        _stage(books, stage, spans.pop(stage.id, None), sittings, leaves.pop(stage.id, []))
        for stage in books.plan.stages
    ]
    # Stages of an earlier sitting's plan were paid for, too.
    stages += [
        _stage(books, former_stage(left.latest), left, sittings, leaves.pop(stage_id, []))
        for stage_id, left in spans.items()
    ]
    stages += [
        _with_calls(books, local_stage(stage_id, local, _summed(leaves.pop(stage_id, [])), now))
        for stage_id, local in books.ledger.local.items()
    ]
    # What is left happened outside the stages of the plan; a report that dropped it would not add up.
    stages += [
        _with_calls(books, records.StageInstrumentation(id=stage_id, status="done", llm_totals=_summed(rest)))
        for stage_id, rest in leaves.items()
    ]
    calls = books.ledger.calls
    latencies = latencies_of_stages(calls)
    for place, stage in enumerate(stages):
        if (latency := latencies.get(stage.id)) is not None:
            stages[place] = msgspec.structs.replace(stage, latency=latency)
    report = records.RunInstrumentation(
        run_id=books.run.run_id,
        recipe_name=books.plan.recipe_name or None,
        recipe_path=books.plan.recipe_path or None,
        status=sittings.run_status,
        metered=books.is_metered,
        mocked=any(stage.mocked for stage in books.plan.stages),
        started_at=sittings.started_at,
        ended_at=sittings.ended_at,
        wall_seconds=sittings.wall_seconds,
        cpu_user_seconds=known(sum, (stage.cpu_user_seconds for stage in stages))
        if books.plan.stages
        else cpu_of(processes),
        cpu_system_seconds=known(sum, (stage.cpu_system_seconds for stage in stages)),
        stages=stages,
        timeline=timeline_record(books.ledger.calls.timeline, books.ledger.span_timeline, processes, sittings.started),
        spans=span_tree(books.ledger.regions),
        totals=roll_up((key.model, part) for key, part in calls.totals().items()),
        budget=budget_record(books.plan.budget, calls.totals().values(), sittings.wall_seconds),
        pricing=pricing_record(books.plan.instrumentation, books.sheet, books.ledger),
        env=records.Env(**meta),
        losses=losses_record(books.ledger),
        tags=books.plan.tags,
        trouble=trouble,
        error=span.error if span else _NEVER_BEGAN if books.plan is UNPLANNED and now is None else None,
    )
    return msgspec.structs.replace(report, **overview(report))


def _sittings(books: Books, processes: Sequence[SpanEvent], goes_on: bool) -> Sequence[SpanEvent]:
    told = books.ledger.sittings()
    return told if told and books.plan is not PROGRAM else over_programs(told, processes, goes_on)


def _stage(
    books: Books, stage: PlannedStage, spans: StageSpans | None, sittings: Sittings, leaves: list[Leaf]
) -> records.StageInstrumentation:
    folder, totals = books.run.stage(stage.folder), _summed(leaves)
    tried = spans.attempts if spans else []
    shards = None
    if spans and has_shards(spans):
        shards = Shards(spans, sittings, leaves, partial(_attempt, books), books.said)
    if shards is not None:
        attempts, progress = shards.attempts, shards.progress
    else:
        attempts = [_attempt(books, span, sittings.now_of(span)) for span in tried]
        progress = progress_record(books.said(tried[-1], attempts[-1]), attempts[-1]) if attempts else None
    latest = spans.latest if spans else None
    artifact = f"{stage.folder}/{stage.out}"
    is_there = stage.out and os.path.exists(f"{books.run.path}/{artifact}")  # noqa: PTH110 - it is asked often
    items_in, items_out = (tried[-1].items_in, tried[-1].items_out) if tried else (None, None)
    figures: dict[str, Any] = over_attempts(attempts) if attempts else {}
    figures["status"] = "pending" if latest is None else sittings.stage_status(latest)
    return _with_calls(
        books,
        records.StageInstrumentation(
            id=stage.id,
            stage=stage.stage,
            module_id=stage.module_id,
            description=stage.description,
            needs=list(stage.needs),
            stale=latest is not None and latest.stale,
            artifact=artifact if is_there else None,
            schema_version_output=stage.output_schema.version if stage.output_schema else None,
            items_in=items_in,
            items_out=items_out,
            per_1000_items=per_thousand(items_out or items_in, figures.get("wall_seconds"), totals),
            mocked=stage.mocked,
            progress=progress,
            shards=shards.records if shards else [],
            spread=shards.spread() if shards else None,
            budget=budget_record(stage.budget, (part for _, part in leaves), figures.get("wall_seconds")),
            reused_from=latest.reused_from if latest else None,
            reused=read_reused(folder) if latest and latest.reused_from else None,
            llm_totals=totals,
            **figures,
        ),
    )


def _attempt(books: Books, span: SpanEvent, now: float | None) -> records.StageAttempt:
    figures = books.figures.read(books.folder_of(span), span.attempt or 1)
    return attempt_record(span, status_at(span, now), figures, now)


def _leaves(books: Books) -> dict[str | None, list[Leaf]]:
    """Totals of calls by stage."""
    leaves: dict[str | None, list[Leaf]] = {}
    for leaf in books.ledger.calls.totals().items():
        leaves.setdefault(leaf[0].stage_id, []).append(leaf)
    return leaves


def _with_calls(books: Books, record: records.StageInstrumentation) -> records.StageInstrumentation:
    kept = books.ledger.calls.stages.get(record.id)
    if kept is None and not record.llm_totals.calls:
        return record
    calls = [call_record(priced) for priced in kept.top.calls()] if kept else []
    omitted = record.llm_totals.calls - len(calls)
    return msgspec.structs.replace(record, llm_calls=calls, llm_calls_omitted=omitted)


def _summed(leaves: Sequence[Leaf]) -> records.Totals:
    return roll_up((key.model, part) for key, part in leaves) if leaves else _NO_CALLS
