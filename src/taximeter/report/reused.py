"""What a stage took in the run that it was reused from, kept in its own folder, so that a run stands alone."""

from __future__ import annotations

from pydantic import ValidationError

from taximeter.numbers import to_json
from taximeter.report import schemas
from taximeter.rundir import StageDir, read_file, replace


def reused_record(stage: schemas.StageInstrumentation) -> schemas.ReusedStage:
    """The figures of a stage, for another run that takes it over; of one that was taken over itself, the first ones."""
    if stage.reused is not None:
        return stage.reused
    figures = {name: getattr(stage, name) for name in schemas.ReusedStage.model_fields if hasattr(stage, name)}
    return schemas.ReusedStage(**figures | {"attempts": len(stage.attempts), "schema_version": schemas.REUSED})


def write_reused(folder: StageDir, record: schemas.ReusedStage) -> None:
    """Puts the figures into the folder of the stage."""
    replace(folder.reused, to_json(record.model_dump()))


def read_reused(folder: StageDir) -> schemas.ReusedStage | None:
    """The figures in the folder of the stage; None if they are gone."""
    try:
        return schemas.ReusedStage.model_validate_json(read_file(folder.reused))
    except (OSError, ValidationError):
        return None
