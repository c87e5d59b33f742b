"""What one stage took and what it cost."""

from __future__ import annotations

from typing import Any, Literal

from taximeter.report.records.budget import BudgetUse
from taximeter.report.records.calls import LLMCallUsage
from taximeter.report.records.measured import Latency, Measured, PerThousandItems, StageAttempt, StageProgress
from taximeter.report.records.terms import Count, Figure, Status
from taximeter.report.records.totals import Totals

REUSED: Literal["instrumentation_reused_v1"] = "instrumentation_reused_v1"


class ReusedStage(Measured, frozen=True, kw_only=True):
    """What a stage took and cost in the run that it was reused from. It is in no total of the run that reuses it."""

    schema_version: Literal["instrumentation_reused_v1"] = REUSED
    started_at: str | None = None
    ended_at: str | None = None
    items_in: Count | None = None
    items_out: Count | None = None
    attempts: Count = 0
    """How many there were."""

    llm_totals: Totals = Totals()
    methods: dict[str, Figure] = {}


class StageInstrumentation(Measured, frozen=True, kw_only=True):
    """What one stage took and what it cost, over all its attempts."""

    schema_version: Literal["instrumentation_stage_v1"] = "instrumentation_stage_v1"
    id: str | None
    """The stage's id; null gathers the calls outside any stage."""

    stage: str | None = None
    """Kind of the stage, as the recipe names it."""

    module_id: str | None = None
    description: str | None = None
    needs: list[str] = []
    """Ids of the stages that must be done first."""

    status: Status
    stale: bool = False
    """What it read was made anew since."""

    artifact: str | None = None
    """Path of the artifact, from the run directory."""

    schema_version_output: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    items_in: Count | None = None
    items_out: Count | None = None
    per_1000_items: PerThousandItems | None = None
    """null for a stage of which nobody knows the items."""

    mocked: bool = False
    reused_from: str | None = None
    """The run that the stage was done in, if it was another one."""

    reused: ReusedStage | None = None
    """What it took and cost there."""

    attempts: list[StageAttempt] = []
    budget: list[BudgetUse] = []
    """What it may spend, the most used limit first."""

    progress: StageProgress | None = None
    """null for a stage that says nothing of it."""

    latency: Latency = Latency()
    llm_calls: list[LLMCallUsage] = []
    """The most expensive calls."""

    llm_calls_omitted: Count = 0
    """How many more calls there were."""

    llm_totals: Totals = Totals()
    methods: dict[str, Figure] = {}
    extra: dict[str, Any] = {}
