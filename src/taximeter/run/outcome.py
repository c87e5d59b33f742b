"""How a run ended, for whoever started it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from taximeter.events import Status
from taximeter.recipe.plan import Plan
from taximeter.rundir import SHARDS, RunDir

if TYPE_CHECKING:
    from taximeter.report.records import RunInstrumentation, ShardInstrumentation, StageInstrumentation

FAILED = 1
OVER_BUDGET = 3
INCOMPLETE = 4


_FAILURES = ("failed", "lost")


class Outcome(msgspec.Struct, frozen=True):
    """A run that is over."""

    run: RunDir
    plan: Plan
    status: Status
    report: RunInstrumentation
    signal: signal.Signals | None = None
    """The signal that ended it before its time."""

    trouble: str | None = None
    """The first error with the files that a run writes about itself, if there was one."""

    incomplete: list[str] = []
    """What is missing from the figures, if they were asked to be complete."""

    def failed_logs(self) -> list[Path]:
        """What the last attempts of the stages and shards that failed have printed."""
        folders = {stage.id: stage.folder for stage in self.plan.stages}
        tried = [
            (folder, of)
            for stage in self.report.stages
            if stage.id in folders and stage.status in _FAILURES
            for folder, of in _with_shards(folders[stage.id], stage)
        ]
        return [
            self.run.stage(folder).log(attempt.attempt)
            for folder, of in tried
            for attempt in of.attempts[-1:]
            if of.status in _FAILURES
        ]

    @property
    def exit_code(self) -> int:
        """0 done, 1 a stage failed, 3 over budget, 4 figures that should be complete are not, 128 + a signal."""
        if self.signal is not None:
            return 128 + self.signal
        if self.status == "over_budget":
            return OVER_BUDGET
        if self.status != "done":
            return FAILED
        return INCOMPLETE if self.incomplete else 0


def _with_shards(
    folder: str, stage: StageInstrumentation
) -> Iterator[tuple[str, StageInstrumentation | ShardInstrumentation]]:
    yield folder, stage
    for shard in stage.shards:
        yield f"{folder}/{SHARDS}/{shard.shard}", shard
