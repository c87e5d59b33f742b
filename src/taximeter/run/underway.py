"""The attempts whose processes live."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from taximeter.clock import Clock
from taximeter.events import UNDELIVERED, SpanEvent
from taximeter.ledger.figures import Figures
from taximeter.ledger.progress import ProgressReader
from taximeter.recipe.plan import PlannedStage
from taximeter.run.executor import Executor, Key
from taximeter.run.retries import TIMED_OUT, exit_code

GRACE = 5.0
"""Seconds between TERM and KILL."""


class Running(msgspec.Struct):
    """An attempt of a stage whose process lives."""

    stage: PlannedStage
    key: Key
    span: SpanEvent
    executor: Executor
    """Who runs it now: when it has ended, whoever checks its artifact."""

    progress: ProgressReader
    figures: Figures | None = None
    """What it took, once it has ended and only its artifact is still looked at."""

    deadline: float = math.inf
    """When it has had its time, on the monotonic clock; set once its process is known to run."""

    overspent: str | None = None
    """Why it was told to end, if it was for a budget."""

    overdue: bool = False
    """It was told to end because it has had its time."""

    def has_timed_out(self, figures: Figures) -> bool:
        """Whether that is why it ended; it may just have made it."""
        return self.overdue and figures.wall_seconds >= (self.stage.timeout or 0)

    @property
    def code(self) -> int | None:
        """How it ended, in one number as shells give it; None if nobody knows."""
        if self.figures is None:
            return None
        return TIMED_OUT if self.has_timed_out(self.figures) else exit_code(self.figures)

    def note(self, gaps: Sequence[str]) -> None:
        """Some of its files did not come home whole."""
        if gaps:
            self.span.losses = {UNDELIVERED: len(gaps)}

    def stop(self, grace: float = GRACE) -> None:
        """Tells it to end."""
        self.executor.cancel(self.key, grace)


class Underway:
    """All that run at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: dict[Key, Running] = {}

    def __iter__(self) -> Iterator[Running]:
        return iter(tuple(self._running.values()))

    def __bool__(self) -> bool:
        return bool(self._running)

    def add(self, running: Running) -> None:
        """One more."""
        self._running[running.key] = running

    def remove(self, running: Running) -> None:
        """It has ended."""
        del self._running[running.key]

    def find(self, key: Key, executor: Executor) -> Running | None:
        """The attempt that this executor tells of; None if that is old news."""
        running = self._running.get(key)
        return running if running is not None and running.executor is executor else None

    def stage_ids(self) -> Iterator[str]:
        """The stages that run, each once."""
        return iter(dict.fromkeys(key.stage_id for key in self._running))

    def stop(self, grace: float = GRACE) -> None:
        """Tells all to end."""
        for running in self._running.values():
            running.stop(grace)

    def began(self, running: Running, ago: float) -> None:
        """Its process runs since so many seconds, and so does its time; who says so again does not give it more."""
        is_known = running.deadline < math.inf or running.overdue or running.figures is not None
        if running.stage.timeout is not None and not is_known:
            running.deadline = self._clock.monotonic() - ago + running.stage.timeout

    def hand_over(self, running: Running, executor: Executor) -> None:
        """It has ended, and what it made is looked at by another executor, as long as that takes."""
        running.executor, running.deadline = executor, math.inf

    def wait(self) -> float:
        """Seconds until one has had its time; infinite if none is timed."""
        return min((running.deadline for running in self._running.values()), default=math.inf) - self._clock.monotonic()

    def stop_overdue(self) -> None:
        """Ends those that have had their time."""
        now = self._clock.monotonic()
        for running in self._running.values():
            if now >= running.deadline:
                running.deadline, running.overdue = math.inf, True
                running.stop()
