"""Records of the public file formats of a metered run."""

from taximeter.report.records.budget import BudgetUse
from taximeter.report.records.calls import CallRejected, ItemsTold, LLMCallUsage
from taximeter.report.records.measured import Latency, Measured, PerThousandItems, StageAttempt, StageProgress
from taximeter.report.records.rates import Pricing, Rates, SpecialRate, UnitRate
from taximeter.report.records.run import CriticalPath, Env, Headline, Losses, RunInstrumentation
from taximeter.report.records.stage import (
    REUSED,
    MoneySpread,
    ReusedStage,
    ShardInstrumentation,
    ShardSpread,
    Spread,
    StageInstrumentation,
)
from taximeter.report.records.terms import CostStatus, Count, Figure, Money, Record, Seconds, Status, Tokens
from taximeter.report.records.timeline import Lane, SpanBars, SpanNode, SpanTree, Timeline
from taximeter.report.records.totals import ModelTotals, Saved, Totals

FORMATS: dict[str, type[Record]] = {
    "instrumentation_call_v1": LLMCallUsage,
    "instrumentation_items_v1": ItemsTold,
    "instrumentation_rejected_v1": CallRejected,
    "instrumentation_reused_v1": ReusedStage,
    "instrumentation_stage_v1": StageInstrumentation,
    "instrumentation_run_v1": RunInstrumentation,
}
"""File formats by the `schema_version` that their records carry."""

__all__ = [
    "FORMATS",
    "REUSED",
    "BudgetUse",
    "CallRejected",
    "CostStatus",
    "Count",
    "CriticalPath",
    "Env",
    "Figure",
    "Headline",
    "ItemsTold",
    "LLMCallUsage",
    "Lane",
    "Latency",
    "Losses",
    "Measured",
    "ModelTotals",
    "Money",
    "MoneySpread",
    "PerThousandItems",
    "Pricing",
    "Rates",
    "Record",
    "ReusedStage",
    "RunInstrumentation",
    "Saved",
    "Seconds",
    "ShardInstrumentation",
    "ShardSpread",
    "SpanBars",
    "SpanNode",
    "SpanTree",
    "SpecialRate",
    "Spread",
    "StageAttempt",
    "StageInstrumentation",
    "StageProgress",
    "Status",
    "Timeline",
    "Tokens",
    "Totals",
    "UnitRate",
]
