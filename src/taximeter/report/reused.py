"""What a stage took in the run that it was reused from, kept in its own folder, so that a run stands alone."""

from __future__ import annotations

import msgspec

from taximeter.journal.reader import UNREADABLE
from taximeter.numbers import to_json
from taximeter.report import records
from taximeter.rundir import StageDir, read_file, replace


def reused_record(stage: records.StageInstrumentation) -> records.ReusedStage:
    """The figures of a stage, for another run that takes it over; of one that was taken over itself, the first ones."""
    if stage.reused is not None:
        return stage.reused
    figures = {name: getattr(stage, name) for name in records.ReusedStage.__struct_fields__ if hasattr(stage, name)}
    return records.ReusedStage(**figures | {"attempts": len(stage.attempts), "schema_version": records.REUSED})


def write_reused(folder: StageDir, record: records.ReusedStage) -> None:
    """Puts the figures into the folder of the stage."""
    replace(folder.reused, to_json(record))


def read_reused(folder: StageDir) -> records.ReusedStage | None:
    """The figures in the folder of the stage; None if they are gone."""
    try:
        return msgspec.json.decode(read_file(folder.reused), type=records.ReusedStage)
    except (OSError, *UNREADABLE):
        return None
