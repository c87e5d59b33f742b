"""Whether a run and its stages keep to their budgets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from operator import add

import msgspec

from taximeter.budget import NO_BUDGET, Budget, Use
from taximeter.clock import Clock
from taximeter.recipe.plan import PlannedStage
from taximeter.redact import brief
from taximeter.report.build import Books, open_books
from taximeter.rundir import RunDir
from taximeter.totals import NOTHING, Totals

_EVERY = 0.25
"""Seconds between two looks at what was spent."""


class Overspent(msgspec.Struct, frozen=True):
    """A budget that is used up."""

    stage_id: str | None
    """None: that of the run."""

    reason: str


class Budgets:
    """The budgets of a run. What earlier drivers spent in it counts, too."""

    def __init__(self, books: Books, clock: Clock, warn: Callable[[str], None]) -> None:
        self._ledger = books.ledger
        self._plan = books.plan
        self._currency = books.sheet.currency
        self._clock = clock
        self._warn = warn
        self._warned: set[tuple[str | None, str]] = set()
        self._stages = {stage.id: stage for stage in books.plan.stages if stage.budget}
        self._earlier = sum((span.wall_ms or 0.0) / 1000 for span in books.ledger.sittings())
        self._began = clock.monotonic()
        self.interval = _EVERY if books.plan.budget or self._stages else math.inf
        """Seconds between two looks; infinite without a budget."""

    def overspent(self, running: Iterable[str]) -> Iterator[Overspent]:
        """Budgets that are used up: of the run, and of the stages that run; warns of those that nearly are."""
        if self.interval == math.inf:
            return
        self._ledger.poll()
        if over := self._look(None, self._plan.budget, self._spent(None), self._wall()):
            yield over
        for stage_id in running:
            if stage_id in self._stages and (over := self.overspent_by(self._stages[stage_id])):
                yield over

    def overspent_by(self, stage: PlannedStage) -> Overspent | None:
        """The budget of the stage, if it is used up."""
        if not stage.budget:  # what it has spent need not be added up
            return None
        return self._look(stage.id, stage.budget, self._spent(stage.id), self._stage_wall(stage.id))

    def is_exceeded(self) -> bool:
        """Whether the run has spent more than it might, and not just all of it."""
        return _is_exceeded(self._plan.budget.uses(self._spent(None), self._wall()))

    def look_back(self, stage: PlannedStage) -> None:
        """Tells a person of a stage that ended well, but had spent nearly all that it might, or more, before anybody
        looked."""
        if not stage.budget:
            return
        self._ledger.poll()
        over = self.overspent_by(stage)
        if over and _is_exceeded(stage.budget.uses(self._spent(stage.id), self._stage_wall(stage.id))):
            self._warn(over.reason)

    def left(self, stage: PlannedStage) -> Budget:
        """What the next attempt of a stage may spend, as far as its own process can hold it."""
        if self.interval == math.inf:
            return NO_BUDGET
        of_run = self._plan.budget.left(self._spent(None))
        return of_run.and_also(stage.budget.left(self._spent(stage.id)))

    def _look(self, stage_id: str | None, budget: Budget, spent: Totals, wall: float) -> Overspent | None:
        if not budget:
            return None
        whose = "the budget of the run" if stage_id is None else f"the budget of stage {brief(stage_id)}"
        if over := budget.check(spent, wall):
            return Overspent(stage_id, f"{whose} is used up: {over.words(self._currency)}")
        near = budget.warns(spent, wall)
        if near and (stage_id, near.figure) not in self._warned:
            self._warned.add((stage_id, near.figure))
            self._warn(f"{whose} is nearly used up: {near.words(self._currency)}")
        return None

    def _spent(self, stage_id: str | None) -> Totals:
        """By a stage; None is the whole run."""
        leaves = self._ledger.calls.totals().items()
        return reduce(add, (part for key, part in leaves if stage_id in (None, key.stage_id)), NOTHING)

    def _wall(self) -> float:
        return self._earlier + self._clock.monotonic() - self._began

    def _stage_wall(self, stage_id: str) -> float:
        spans = self._ledger.stages().get(stage_id)
        now = self._clock.now()
        return sum(
            now - span.started_at if span.ended_at is None else (span.wall_ms or 0.0) / 1000
            for span in (spans.attempts if spans else ())
        )


def _is_exceeded(uses: Iterable[Use]) -> bool:
    return any(use.used > use.limit for use in uses)


def left_in(run: RunDir, budget: Budget) -> Budget:
    """What a run may still spend that goes on where an earlier driver ended."""
    if not budget or not run.plan.exists():
        return budget.left(NOTHING)
    return budget.left(reduce(add, open_books(run).ledger.calls.totals().values(), NOTHING))
