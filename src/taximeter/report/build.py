"""From a run directory to its report: the one way, for a finished run, a running one and a lost one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec

from taximeter.clock import Clock, SystemClock
from taximeter.errors import RunDirError
from taximeter.events import TROUBLE, SpanEvent
from taximeter.journal.reader import UNREADABLE
from taximeter.ledger.figures import FiguresReader
from taximeter.ledger.ledger import Ledger, StageSpans
from taximeter.ledger.progress import ProgressLine, ProgressReader
from taximeter.pricing.sheet import Sheet, read_sheet
from taximeter.recipe.plan import Instrumentation, Plan, PlannedStage, read_plan
from taximeter.report import records
from taximeter.report.budget import budget_record
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
from taximeter.rundir import RunDir, StageDir


def build(run: RunDir) -> records.RunInstrumentation:
    """The report of a run as its directory tells it now; RunDirError if it is not the directory of a run."""
    return open_books(run).report()


def open_books(run: RunDir) -> Books:
    """The books of a run, with all that its directory holds now; RunDirError if it is not the directory of a run."""
    books = empty_books(run)
    books.take()
    return books


def empty_books(run: RunDir) -> Books:
    """The books of a run, of which nothing was read but its plan; RunDirError if it is not the directory of a run."""
    if not run.is_one():
        raise RunDirError(f"{run.path} is not the directory of a run: it has neither a plan nor events")
    try:
        plan = read_plan(run.plan) if run.plan.exists() else PROGRAM if run.journals() else UNPLANNED
        return Books(run, plan, plan.instrumentation.call_limit)
    except UNREADABLE as error:
        raise RunDirError(f"a snapshot of {run.path} cannot be read: {error}") from None


PROGRAM = Plan(recipe_name="", recipe_path="", instrumentation=Instrumentation(enabled=True), stages=())
"""Stands for the plan of a program that no driver started."""

UNPLANNED = Plan(recipe_name="", recipe_path="", instrumentation=Instrumentation(enabled=False), stages=())
"""Stands for the plan of a run whose driver has not come so far, and will not if it is dead."""

_NO_CALLS = records.Totals()
"""Of all stages that made none: there can be thousands."""

_NEVER_BEGAN = "its driver died before there was a plan: the same command with --skip-done starts it"


class Books:
    """What a report is built from. Kept open while a run goes on, it reads only what is new.

    `call_limit` is how many calls of each stage are kept for the report, the most expensive ones; None is all.
    `sheet` prices the calls of a run that has no prices of its own.
    """

    def __init__(
        self,
        run: RunDir,
        plan: Plan,
        call_limit: int | None,
        clock: Clock | None = None,
        sheet: Sheet | None = None,
    ) -> None:
        self.run = run
        self.plan = plan
        if sheet is None:
            sheet = read_sheet(run.pricing) if run.pricing.exists() else Sheet()
        self.sheet = sheet
        self.ledger = Ledger(run, self.sheet, {stage.id: stage.folder for stage in plan.stages}, call_limit)
        self.is_metered = plan.instrumentation.enabled or run.pricing.exists()
        """Whether any sitting was metered: then there are figures to report."""
        self._figures = FiguresReader()
        self._progress: dict[str, ProgressReader] = {}
        """Of attempts that have not ended, by the name of the file."""

        self._last_said: dict[str, ProgressLine | None] = {}
        """Of those that have; their files are not read again."""

        self._clock = clock or SystemClock()

    def take(self) -> None:
        """Reads what is new, to the last word if the run is over."""
        if self.run.is_held():
            self.ledger.poll()
        else:
            self.ledger.finish()

    def goes_on(self, processes: Sequence[SpanEvent]) -> bool:
        """Whether the driver, or one of the programs that work in the run, still lives."""
        return self.run.is_held()

    def report(self) -> records.RunInstrumentation:
        """The report as of what the ledger has taken. What has no end is running if the driver lives, else lost."""
        processes = self.ledger.processes()
        now = self._clock.now() if self.goes_on(processes) else None
        sittings = Sittings(self._sittings(processes, now is not None), now)
        span = sittings.latest
        meta = dict((span.meta if span else None) or {})
        trouble = meta.pop(TROUBLE, None)
        spans, leaves = self.ledger.stages(), self._leaves()
        stages = [
            self._stage(stage, spans.pop(stage.id, None), sittings, leaves.pop(stage.id, []))
            for stage in self.plan.stages
        ]
        # Stages of an earlier sitting's plan were paid for, too.
        stages += [
            self._stage(former_stage(left.latest), left, sittings, leaves.pop(stage_id, []))
            for stage_id, left in spans.items()
        ]
        stages += [
            self._with_calls(local_stage(stage_id, local, _summed(leaves.pop(stage_id, [])), now))
            for stage_id, local in self.ledger.local.items()
        ]
        # What is left happened outside the stages of the plan; a report that dropped it would not add up.
        stages += [
            self._with_calls(records.StageInstrumentation(id=stage_id, status="done", llm_totals=_summed(rest)))
            for stage_id, rest in leaves.items()
        ]
        calls = self.ledger.calls
        latencies = latencies_of_stages(calls)
        for place, stage in enumerate(stages):
            if (latency := latencies.get(stage.id)) is not None:
                stages[place] = msgspec.structs.replace(stage, latency=latency)
        report = records.RunInstrumentation(
            run_id=self.run.run_id,
            recipe_name=self.plan.recipe_name or None,
            recipe_path=self.plan.recipe_path or None,
            status=sittings.run_status,
            metered=self.is_metered,
            mocked=any(stage.mocked for stage in self.plan.stages),
            started_at=sittings.started_at,
            ended_at=sittings.ended_at,
            wall_seconds=sittings.wall_seconds,
            cpu_user_seconds=known(sum, (stage.cpu_user_seconds for stage in stages))
            if self.plan.stages
            else cpu_of(processes),
            cpu_system_seconds=known(sum, (stage.cpu_system_seconds for stage in stages)),
            stages=stages,
            timeline=timeline_record(
                self.ledger.calls.timeline, self.ledger.span_timeline, processes, sittings.started
            ),
            spans=span_tree(self.ledger.regions),
            totals=roll_up((key.model, part) for key, part in calls.totals().items()),
            budget=budget_record(self.plan.budget, calls.totals().values(), sittings.wall_seconds),
            pricing=pricing_record(self.plan.instrumentation, self.sheet, self.ledger),
            env=records.Env(**meta),
            losses=losses_record(self.ledger),
            tags=self.plan.tags,
            trouble=trouble,
            error=span.error if span else _NEVER_BEGAN if self.plan is UNPLANNED and now is None else None,
        )
        return msgspec.structs.replace(report, **overview(report))

    def _sittings(self, processes: Sequence[SpanEvent], goes_on: bool) -> Sequence[SpanEvent]:
        told = self.ledger.sittings()
        return told if told and self.plan is not PROGRAM else over_programs(told, processes, goes_on)

    def _stage(
        self, stage: PlannedStage, spans: StageSpans | None, sittings: Sittings, leaves: list[Leaf]
    ) -> records.StageInstrumentation:
        folder, totals = self.run.stage(stage.folder), _summed(leaves)
        tried = spans.attempts if spans else []
        shards = Shards(spans, sittings, leaves, self._attempt, self._said) if spans and has_shards(spans) else None
        if shards is not None:
            attempts, progress = shards.attempts, shards.progress
        else:
            attempts = [self._attempt(span, sittings.now_of(span)) for span in tried]
            progress = progress_record(self._said(tried[-1], attempts[-1]), attempts[-1]) if attempts else None
        latest = spans.latest if spans else None
        artifact = f"{stage.folder}/{stage.out}"
        is_there = stage.out and os.path.exists(f"{self.run.path}/{artifact}")  # noqa: PTH110 - it is asked often
        items_in, items_out = (tried[-1].items_in, tried[-1].items_out) if tried else (None, None)
        figures: dict[str, Any] = over_attempts(attempts) if attempts else {}
        figures["status"] = "pending" if latest is None else sittings.stage_status(latest)
        return self._with_calls(
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
            )
        )

    def _attempt(self, span: SpanEvent, now: float | None) -> records.StageAttempt:
        figures = self._figures.read(self._folder_of(span), span.attempt or 1)
        return attempt_record(span, status_at(span, now), figures, now)

    def _folder_of(self, span: SpanEvent) -> StageDir:
        return self.run.stage(span.folder or "")

    def _said(self, span: SpanEvent, attempt: records.StageAttempt) -> ProgressLine | None:
        """The latest that an attempt has said of its progress."""
        name = f"{span.folder}/{attempt.attempt}"
        if name not in self._last_said:
            reader = self._progress.get(name) or ProgressReader(self._folder_of(span).progress(attempt.attempt))
            reader.news()
            if attempt.status == "running":
                self._progress[name] = reader
                return reader.latest
            self._last_said[name] = reader.latest
            self._progress.pop(name, None)
        return self._last_said[name]

    def _leaves(self) -> dict[str | None, list[Leaf]]:
        """Totals of calls by stage."""
        leaves: dict[str | None, list[Leaf]] = {}
        for leaf in self.ledger.calls.totals().items():
            leaves.setdefault(leaf[0].stage_id, []).append(leaf)
        return leaves

    def _with_calls(self, record: records.StageInstrumentation) -> records.StageInstrumentation:
        kept = self.ledger.calls.stages.get(record.id)
        if kept is None and not record.llm_totals.calls:
            return record
        calls = [call_record(priced) for priced in kept.top.calls()] if kept else []
        omitted = record.llm_totals.calls - len(calls)
        return msgspec.structs.replace(record, llm_calls=calls, llm_calls_omitted=omitted)


def _summed(leaves: Sequence[Leaf]) -> records.Totals:
    return roll_up((key.model, part) for key, part in leaves) if leaves else _NO_CALLS
