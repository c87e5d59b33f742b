"""The environment of a stage's process: the contract with programs of any language."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import taximeter
from taximeter import settings
from taximeter.budget import NO_BUDGET, Budget
from taximeter.events import SpanEvent
from taximeter.recipe.plan import Capture, PlannedShard, PlannedStage
from taximeter.rundir import RunDir

STARTUP = str(Path(taximeter.__file__).parent / "capture" / "startup")
"""The folder on PYTHONPATH by which Python processes capture their calls."""

_PATH = "PYTHONPATH"
_OF_SHARD = (settings.SHARD.name, settings.SHARD_COUNT.name)
"""What belongs to a stage around this run."""

_LEFT_OUT = (settings.CAPTURE_MARKS.name, settings.PROXY.name)
"""What belongs to a run around this one."""


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """What a stage has of the environment of its driver."""
    return {name: value for name, value in environment.items() if name not in _OF_SHARD}


def stage_environment(
    environment: Mapping[str, str], stage: PlannedStage, run: RunDir, span: SpanEvent
) -> dict[str, str]:
    """What every stage gets, metered or not: who it is, and where to tell how far it is."""
    attempt = span.attempt or 1
    of_shard = {}
    if isinstance(stage, PlannedShard):
        of_shard = {settings.SHARD.name: str(stage.number), settings.SHARD_COUNT.name: str(stage.count)}
    return {
        **environment,
        **stage.env,
        **of_shard,
        settings.STAGE_RUN_ID.name: run.run_id,
        settings.STAGE_ID.name: stage.id,
        settings.PROGRESS_FILE.name: str(run.stage(stage.folder).progress(attempt)),
    }


def metering_environment(
    stage: PlannedStage, run: RunDir, span: SpanEvent, budget: Budget = NO_BUDGET
) -> dict[str, str]:
    """What a metered stage gets besides; `budget` is what it may still spend."""
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
        **({settings.BUDGET.name: str(budget)} if budget else {}),
    }


def capturing(environment: Mapping[str, str], capture: Capture, marks: Path) -> dict[str, str]:
    """An environment in which Python processes capture the calls of SDKs at their start; with `off` one in which none
    does, though it may be inherited from a run in which they do. With `auto` they say in `marks` that they do it: with
    `proxy` nobody has to look for others."""
    given = {name: value for name, value in environment.items() if name not in _LEFT_OUT}
    there = given.pop(_PATH, "")
    folders = [folder for folder in there.split(os.pathsep) if folder != STARTUP] if there else []
    more = {settings.CAPTURE.name: "0"}
    if capture != "off":
        folders.insert(0, STARTUP)
        more = {settings.CAPTURE.name: "startup"}
    if capture == "auto":
        more[settings.CAPTURE_MARKS.name] = str(marks)
    return given | ({_PATH: os.pathsep.join(folders)} if folders else {}) | more
