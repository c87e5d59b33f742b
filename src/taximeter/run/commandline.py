"""The command of an attempt, with all that it is told filled in."""

from __future__ import annotations

from taximeter.recipe.command import CommandValues, render
from taximeter.recipe.plan import Plan, PlannedStage
from taximeter.run.artifacts import Artifacts
from taximeter.rundir import RunDir


def command_line(
    stage: PlannedStage, attempt: int, plan: Plan, run: RunDir, artifacts: Artifacts, python: str
) -> list[str]:
    """The argument vector of that attempt of the stage in that run."""
    folder = run.stage(stage.folder)
    values = CommandValues(
        python=python,
        inputs=artifacts.inputs(stage),
        input=plan.input,
        out=str(artifacts.of(stage)),
        stage_dir=str(folder.path),
        run_dir=str(run.path),
        run_id=run.run_id,
        state_file=str(run.state),
        progress_file=str(folder.progress(attempt)),
    )
    return render(stage, values)
