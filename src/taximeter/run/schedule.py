"""Which stage is started next: the first in the plan of those whose needs are done and for which there is room."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter

import msgspec

from taximeter.recipe.plan import PlannedStage, StageKey


class Room(msgspec.Struct, frozen=True):
    """What all stages that run at a time may take together. One that alone asks for more runs alone."""

    cpus: float
    """A stage that asks for nothing takes one."""

    memory: float = math.inf
    """Bytes."""

    gpus: float = math.inf
    ahead: float = 0.0
    """More of those that take one CPU: they wait where they will run."""

    def most(self, taken: Sequence[PlannedStage]) -> float:
        """CPUs that these may take."""
        return self.cpus + self.ahead if all(stage.cpus == 1 for stage in taken) else self.cpus

    def holds(self, stages: Iterable[PlannedStage]) -> bool:
        """Whether they fit in together."""
        taken = list(stages)
        return len(taken) <= 1 or (
            math.fsum(stage.cpus for stage in taken) <= self.most(taken)
            and sum(stage.memory for stage in taken) <= self.memory
            and math.fsum(stage.gpus for stage in taken) <= self.gpus
        )


class Schedule:
    """The stages that have not been started, those that can be, and those that run."""

    def __init__(self, stages: Iterable[PlannedStage], room: Room) -> None:
        self.waiting = {stage.id: stage for stage in stages}
        """Those that were never started."""

        self._room = room
        self._order = TopologicalSorter(
            {stage.id: [need for need in stage.needs if need in self.waiting] for stage in self.waiting.values()}
        )
        self._order.prepare()
        self._ready: list[PlannedStage] = []
        self._running: dict[StageKey, PlannedStage] = {}
        self._collect()

    def next(self) -> PlannedStage | None:
        """Takes the next stage, and room for it; None if there is none now."""
        if (
            self._running
            and math.fsum(stage.cpus for stage in self._running.values()) >= self._room.cpus + self._room.ahead
        ):
            return None  # most looks end here, however many stages are ready
        for place, stage in enumerate(self._ready):
            if self._room.holds((*self._running.values(), stage)):
                del self._ready[place]
                self.waiting.pop(stage.id, None)
                self._running[stage.key] = stage
                return stage
        return None

    def free(self, stage: PlannedStage) -> None:
        """The stage does not run any more: its room is free."""
        del self._running[stage.key]

    def done(self, stage: PlannedStage) -> None:
        """What waited for the stage can be started."""
        self._order.done(stage.id)
        self._collect()

    def again(self, stage: PlannedStage) -> None:
        """The stage is to be started once more, or a shard of it for the first time."""
        bisect.insort(self._ready, stage, key=_index)

    def _collect(self) -> None:
        for stage_id in self._order.get_ready():
            self.again(self.waiting[stage_id])


def _index(stage: PlannedStage) -> tuple[int, int]:
    return stage.index, stage.key[1] or 0
