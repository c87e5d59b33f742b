"""What stages read and make: where it lies, and how many items it holds."""

from __future__ import annotations

from pathlib import Path

from taximeter.recipe.plan import Plan, PlannedShard, PlannedStage
from taximeter.run.rows import RowCounter
from taximeter.rundir import RunDir


class Artifacts:
    """The artifacts of one run."""

    def __init__(self, plan: Plan, run: RunDir) -> None:
        self._run = run
        self._made = {stage.id: run.path / stage.folder / stage.out for stage in plan.stages}
        self._awaited = {source.stage for stage in plan.stages for source in stage.inputs.values() if source.stage}
        self._rows = RowCounter()

    def of(self, stage: PlannedStage) -> Path:
        """Where a stage writes, or a shard."""
        if isinstance(stage, PlannedShard):
            return self._run.path / stage.folder / stage.out
        return self._made[stage.id]

    def at(self, stage_id: str) -> Path:
        """The same by the stage's id."""
        return self._made[stage_id]

    def look_at(self, stage: PlannedStage, artifact: Path) -> None:
        """The artifact of a stage is to be found there instead."""
        self._made[stage.id] = artifact

    def remove(self, stage: PlannedStage) -> None:
        """Takes away what an earlier attempt made or began to make."""
        artifact = self.of(stage)
        if artifact.is_dir() and not artifact.is_symlink():
            import shutil  # it comes with all ways to compress; a first run removes nothing

            shutil.rmtree(artifact)
        else:
            artifact.unlink(missing_ok=True)

    def inputs(self, stage: PlannedStage) -> dict[str, str]:
        """Where a stage reads, by the name of the input."""
        return {
            name: source.path if source.path is not None else str(self._made[source.stage or ""])
            for name, source in stage.inputs.items()
        }

    def missing(self, stage: PlannedStage) -> Path | None:
        """The artifact that a stage owes and did not write: a module's, or one that another stage reads."""
        return self.of(stage) if self._owes(stage) and not self.of(stage).exists() else None

    def is_whole(self, stage: PlannedStage, artifact: Path) -> bool:
        """Whether what an earlier run of the stage was to make is still there."""
        words = (stage.command,) if isinstance(stage.command, str) else stage.command
        return artifact.exists() or not (self._owes(stage) or any("{out}" in word for word in words))

    def _owes(self, stage: PlannedStage) -> bool:
        return stage.module_id is not None or stage.id in self._awaited

    def rows_in(self, stage: PlannedStage) -> int | None:
        """Rows that a stage could read; None if nothing it reads has rows. Of a shard those of its part."""
        inputs = self.inputs(stage)
        read = [inputs[stage.shard_input or ""]] if isinstance(stage, PlannedShard) else inputs.values()
        return self._rows.count(map(Path, read))

    def rows_out(self, stage: PlannedStage) -> int | None:
        """Rows that a stage wrote; None if its artifact has none."""
        return self._rows.count([self.of(stage)])
