"""A stage taken apart: each of its shards as a stage of its own."""

from __future__ import annotations

from pathlib import Path

from taximeter.recipe.plan import PlannedShard, PlannedStage, Source
from taximeter.rundir import SHARDS, RunDir


def part_of(stage: PlannedStage, number: int, run: RunDir) -> Path:
    """The file with what a shard reads of the input that is shared out."""
    return run.path / stage.folder / SHARDS / f"{number}.jsonl"


def shards_of(stage: PlannedStage, count: int, run: RunDir) -> tuple[PlannedShard, ...]:
    """The shards of a stage, each with its part as the input that is shared out, and with a folder of its own."""
    fields = {name: getattr(stage, name) for name in PlannedStage.__struct_fields__}
    return tuple(
        PlannedShard(
            **fields
            | {
                "folder": f"{stage.folder}/{SHARDS}/{number}",
                "inputs": stage.inputs | {stage.shard_input or "": Source(path=str(part_of(stage, number, run)))},
            },
            number=number,
            count=count,
        )
        for number in range(count)
    )
