"""What a run would do, found out without doing it: nothing is started, made or written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Literal

import msgspec

from taximeter.clock import SystemClock
from taximeter.ledger.ledger import last_attempts
from taximeter.recipe.plan import Plan, PlannedStage
from taximeter.run.again import make_reuse, open_for_writing
from taximeter.run.artifacts import Artifacts
from taximeter.run.commandline import command_line
from taximeter.run.opening import check_entry
from taximeter.run.options import RunOptions
from taximeter.run.parts import shards_of
from taximeter.run.prepare import prepare
from taximeter.run.reuse import Look, Reuse
from taximeter.rundir import RunDir

Action = Literal["run", "reuse", "skip"]


class Step(msgspec.Struct, frozen=True):
    """What would become of one stage."""

    index: int
    id: str
    action: Action
    note: str
    """Why, or on what it depends; empty if there is nothing to say."""

    command: list[str]
    """The argument vector, if the stage were run; of a stage with shards that of the first one."""

    shards: int = 0
    """How many shards there would be at the most; 0: it would be run as a whole."""


class Rehearsal(msgspec.Struct, frozen=True):
    """What would become of a run."""

    run: RunDir
    plan: Plan
    steps: list[Step]


def rehearse(options: RunOptions) -> Rehearsal:
    """Looks at every stage of a run that could begin; the same errors as if it did."""
    prepared = prepare(options)
    check_entry(prepared.run, options)
    books = open_for_writing(prepared, SystemClock())
    where = Artifacts(books.plan, books.run)
    reuse = make_reuse(prepared, books, where, sys.executable)
    looks = _Looks(books.plan, reuse, where, may_compare=bool(options.skip_done or options.resume))
    numbers = last_attempts(books.ledger.stages())
    made = Artifacts(books.plan, books.run)
    return Rehearsal(
        books.run,
        books.plan,
        [
            Step(
                stage.index,
                stage.id,
                action,
                note,
                command_line(first, numbers.get(first.key, 0) + 1, books.plan, books.run, made, sys.executable),
                stage.shards,
            )
            for stage, action, note in looks
            for first in [shards_of(stage, stage.shards, books.run)[0] if stage.shards else stage]
        ],
    )


class _Looks:
    """Goes through the stages in the order of the plan, as if each that must be run was."""

    def __init__(self, plan: Plan, reuse: Reuse, artifacts: Artifacts, may_compare: bool) -> None:
        self._plan = plan
        self._reuse = reuse
        self._artifacts = artifacts
        self._may_compare = may_compare
        self._run: set[str] = set()
        """Ids of the stages that would be run."""

    def __iter__(self) -> Iterator[tuple[PlannedStage, Action, str]]:
        for stage in self._plan.stages:
            if stage.id in self._reuse.choice.skipped:
                yield stage, "skip", "outside the asked range"
            elif stage.id in self._reuse.choice.kept:
                yield stage, "reuse", self._taken(stage, self._reuse.keep(stage))
            else:
                yield self._looked_at(stage)

    def _looked_at(self, stage: PlannedStage) -> tuple[PlannedStage, Action, str]:
        """What a stage reads that is made anew cannot be known yet."""
        awaited = [need for need in stage.needs if need in self._run]
        look = self._reuse.look(stage) if not awaited else None
        if look is not None and look.made is not None:
            return stage, "reuse", self._taken(stage, look)
        self._run.add(stage.id)
        is_open = awaited and self._may_compare and stage.id not in self._reuse.choice.again
        return stage, "run", f"unless {', '.join(awaited)} makes what it made before" if is_open else ""

    def _taken(self, stage: PlannedStage, look: Look) -> str:
        """Notes where the artifact lies, for those who read it; says what is special about it."""
        if look.made is not None:
            self._artifacts.look_at(stage, look.made.run.stage(look.made.folder).path / stage.out)
        source = f"from {look.reused_from}" if look.reused_from else ""
        return ", ".join(filter(None, (source, "stale" if look.stale else "")))
