"""What a run directory holds from before: the stages that were done, and how to take one over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from taximeter.ledger.ledger import StageSpans
from taximeter.recipe.artifact import OURS
from taximeter.recipe.plan import Plan, PlannedStage, StageKey
from taximeter.report.build import open_books
from taximeter.rundir import RunDir

if TYPE_CHECKING:
    from taximeter.report.records import StageInstrumentation


class Made(msgspec.Struct, frozen=True):
    """A stage that was done."""

    run: RunDir
    """The run in whose directory its artifact lies."""

    folder: str
    fingerprint: str | None
    reused_from: str | None
    """The run that it was done in, if that is another one."""

    stale: bool
    report: StageInstrumentation | None = None
    """What it took; None in its own run, whose spans have it."""


def made_here(run: RunDir, stages: Mapping[str, StageSpans]) -> dict[str, Made]:
    """The stages of this run that are done by the last word on them."""
    return {
        stage_id: Made(run, last.folder, last.fingerprint, last.reused_from, last.stale)
        for stage_id, spans in stages.items()
        if (last := spans.outcome) is not None and last.folder is not None and last.status in ("done", "reused")
    }


def shards_done(stages: Mapping[str, StageSpans]) -> dict[StageKey, str]:
    """Fingerprints of the shards of this run that are done by the last word on them."""
    return {
        (stage_id, number): fingerprint
        for stage_id, spans in stages.items()
        for number, attempts in spans.shards.items()
        if attempts[-1].status == "done" and (fingerprint := attempts[-1].fingerprint) is not None
    }


def made_elsewhere(run: RunDir) -> dict[str, Made]:
    """The stages that are done in another run, with what they took; RunDirError if it is not the directory of a run."""
    books = open_books(run)
    records = {stage.id: stage for stage in books.report().stages if stage.id is not None}
    return {
        stage_id: msgspec.structs.replace(made, reused_from=made.reused_from or run.run_id, report=records[stage_id])
        for stage_id, made in made_here(run, books.ledger.stages()).items()
        if stage_id in records
    }


def take_over(made: Made, stage: PlannedStage, run: RunDir) -> None:
    """Copies what a stage of another run made, so that this run stands alone, and keeps what it took there.

    A copy and no hard link: a program that appends to its file would append to the other run's, too.
    """
    folder, source = run.stage(stage.folder), made.run.stage(made.folder).path

    def ours(inside: str, names: list[str]) -> set[str]:
        return {name for name in names if OURS.fullmatch(name)} if Path(inside) == source else set()

    from shutil import copytree  # few runs take anything over

    from taximeter.report.reused import reused_record, write_reused

    copytree(source, folder.path, symlinks=True, ignore=ours, dirs_exist_ok=True)
    if made.report is not None:
        write_reused(folder, reused_record(made.report))


def keep_folders(plan: Plan, stages: Mapping[str, StageSpans]) -> Plan:
    """The plan, in which stages that this run knows keep their folders, wherever they stand in the order now."""
    folders = {stage_id: spans.latest.folder for stage_id, spans in stages.items()}
    kept = (msgspec.structs.replace(stage, folder=folders.get(stage.id) or stage.folder) for stage in plan.stages)
    return msgspec.structs.replace(plan, stages=tuple(kept))
