"""What one stage took and what it cost."""

from __future__ import annotations

from typing import Any, Literal

from taximeter.report.records.budget import BudgetUse
from taximeter.report.records.calls import LLMCallUsage
from taximeter.report.records.measured import Latency, Measured, PerThousandItems, StageAttempt, StageProgress
from taximeter.report.records.terms import Count, Figure, Money, Record, Seconds, Status
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


class ShardInstrumentation(Measured, frozen=True, kw_only=True):
    """What one shard of a stage took and what it cost, over all its attempts."""

    shard: Count | None
    """From 0; null gathers what no shard did: attempts at the stage as a whole, calls that nobody can assign."""

    status: Status
    started_at: str | None = None
    ended_at: str | None = None
    items_in: Count | None = None
    items_out: Count | None = None
    straggler: bool = False
    """It took more than 1.5 times the median of those that are done, and more than a second longer."""

    attempts: list[StageAttempt] = []
    progress: StageProgress | None = None
    llm_totals: Totals = Totals()
    methods: dict[str, Figure] = {}


class Spread(Record, frozen=True, kw_only=True):
    """How far the shards of a stage lie apart."""

    least: Seconds
    median: Seconds
    """Of an even number the lower one of the two in the middle."""

    most: Seconds


class MoneySpread(Record, frozen=True, kw_only=True):
    """The same of money."""

    least: Money
    median: Money
    most: Money


class ShardSpread(Record, frozen=True, kw_only=True):
    """The shards of a stage side by side, as far as they are done."""

    count: Count
    """How many there are."""

    done: Count = 0
    wall_seconds: Spread | None = None
    cost: MoneySpread | None = None
    stragglers: list[Count] = []
    """Those that took much longer than the others, the slowest first."""


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
    """Of a stage with shards: from the start of the first one to the end of the last one; CPU and I/O are sums."""

    shards: list[ShardInstrumentation] = []
    """In order; none if the stage is run as a whole."""

    spread: ShardSpread | None = None
    """null if it was not run as shards, the last time."""

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
