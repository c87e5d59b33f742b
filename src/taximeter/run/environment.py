"""The environment of a stage's process: the contract with programs of any language."""

from __future__ import annotations

from collections.abc import Mapping

from taximeter import settings
from taximeter.events import SpanEvent
from taximeter.recipe.plan import PlannedStage
from taximeter.rundir import RunDir


def stage_environment(
    inherited: Mapping[str, str], stage: PlannedStage, run: RunDir, span: SpanEvent
) -> dict[str, str]:
    """What every stage gets, metered or not: who it is, and where to tell how far it is."""
    attempt = span.attempt or 1
    return {
        **inherited,
        **stage.env,
        settings.STAGE_RUN_ID.name: run.run_id,
        settings.STAGE_ID.name: stage.id,
        settings.PROGRESS_FILE.name: str(run.stage(stage.folder).progress(attempt)),
    }


def metering_environment(stage: PlannedStage, run: RunDir, span: SpanEvent) -> dict[str, str]:
    """What a metered stage gets besides."""
    attempt = span.attempt or 1
    return {
        settings.ENABLED.name: "1",
        settings.RUN_ID.name: run.run_id,
        settings.RUN_DIR.name: str(run.path),
        settings.ATTEMPT.name: str(attempt),
        settings.INSTRUMENT_ENABLED.name: "1",
        settings.INSTRUMENT_SINK.name: str(run.stage(stage.folder).sink(attempt)),
        settings.INSTRUMENT_STAGE.name: stage.id,
        settings.TRACEPARENT.name: f"00-{span.trace_id}-{span.span_id}-01",
    }
