"""What a run took and what it cost."""

from __future__ import annotations

from typing import Any, Literal

from taximeter.report.records.budget import BudgetUse
from taximeter.report.records.rates import Pricing
from taximeter.report.records.stage import StageInstrumentation
from taximeter.report.records.terms import CostStatus, Count, Money, Record, Seconds, Status
from taximeter.report.records.timeline import SpanTree, Timeline
from taximeter.report.records.totals import Totals


class Env(Record, frozen=True, kw_only=True):
    """Where the run was made."""

    python_version: str | None = None
    platform: str | None = None
    taximeter_version: str | None = None
    cpu_count: int | None = None


class Losses(Record, frozen=True, kw_only=True):
    """What was lost or is doubtful."""

    rejected: Count = 0
    """Calls whose figures cannot be true."""

    torn: Count = 0
    """Lines that were half written when their writer died."""

    dropped: Count = 0
    truncated: Count = 0
    reasons: dict[str, Count] = {}
    """Why calls were rejected, and how often."""


class Headline(Record, frozen=True, kw_only=True):
    """The figures by which runs are compared."""

    run_id: str
    status: Status
    wall_seconds: Seconds | None = None
    cost: Money | None = None
    cost_status: CostStatus | None = None
    prompt_tokens: Count = 0
    cache_read_input_tokens: Count = 0
    completion_tokens: Count = 0
    embedding_tokens: Count = 0
    calls: Count = 0
    peak_memory_bytes: Count | None = None
    """Of the stage that took most."""

    cpu_seconds: Seconds | None = None
    parallelism: Seconds | None = None
    """Seconds of all stages over the seconds of the run: 1 is one stage after the other."""

    items: Count | None = None
    """What the last stage that has items made."""

    cost_per_1000_items: Money | None = None


class CriticalPath(Record, frozen=True, kw_only=True):
    """The chain of stages that decided when the run ended."""

    stages: list[str] = []
    seconds: Seconds = 0


class RunInstrumentation(Record, frozen=True, kw_only=True):
    """What a run took and what it cost."""

    schema_version: Literal["instrumentation_run_v1"] = "instrumentation_run_v1"
    run_id: str
    recipe_name: str | None = None
    recipe_path: str | None = None
    status: Status
    metered: bool
    """False: stages and times only."""

    mocked: bool = False
    started_at: str | None = None
    ended_at: str | None = None
    wall_seconds: Seconds | None = None
    cpu_user_seconds: Seconds | None = None
    cpu_system_seconds: Seconds | None = None
    headline: Headline | None = None
    baseline: Headline | None = None
    """The run that this one was compared with."""

    summary: str = ""
    """Where the time and the money went, in one sentence."""

    critical_path: CriticalPath = CriticalPath()
    stages: list[StageInstrumentation] = []
    timeline: Timeline = Timeline()
    spans: SpanTree = SpanTree()
    totals: Totals = Totals()
    budget: list[BudgetUse] = []
    """What the run may spend, the most used limit first."""

    pricing: Pricing = Pricing()
    env: Env = Env()
    losses: Losses = Losses()
    tags: dict[str, str] = {}
    error: str | None = None
    trouble: str | None = None
    """The first error with the files that the run writes about itself."""

    extra: dict[str, Any] = {}
