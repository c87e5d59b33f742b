"""Which stages are tried again after a failed attempt, and when."""

from __future__ import annotations

import math
from collections import Counter

from taximeter.clock import Clock
from taximeter.ledger.figures import Figures
from taximeter.recipe.plan import PlannedStage, StageKey

TIMED_OUT = 124
"""Exit code that stands for a timeout, as `timeout(1)` gives it."""

_LONGEST = 3600.0
"""Seconds to which a delay may grow; one that is longer from the start stays as it is."""


class RetryQueue:
    """Stages that wait for their next attempt."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used: Counter[StageKey] = Counter()
        self.waiting: dict[StageKey, tuple[float, PlannedStage]] = {}
        """By key: when a stage or shard is due, on the monotonic clock, and which one."""

    def put(self, stage: PlannedStage, code: int | None) -> str | None:
        """Puts a stage whose attempt has ended with this code into the queue, and says so.

        None if it is not to be tried again. The code is None if nobody knows how the attempt ended.
        """
        rule, used = stage.retries, self._used[stage.key]
        if used >= rule.count or (rule.on is not None and code not in rule.on):
            return None
        self._used[stage.key] += 1
        delay = min(rule.delay * rule.backoff**used, max(rule.delay, _LONGEST))
        self.waiting[stage.key] = (self._clock.monotonic() + delay, stage)
        return f"retry {used + 1} of {rule.count}" + (f" in {delay:g} s" if delay else "")

    def knows(self, stage: PlannedStage) -> bool:
        """Whether the stage was ever put here: it has failed before."""
        return self._used[stage.key] > 0

    def wait(self) -> float:
        """Seconds until a stage is due; infinite if none waits."""
        return min((due for due, _ in self.waiting.values()), default=math.inf) - self._clock.monotonic()

    def take_due(self) -> list[PlannedStage]:
        """Takes the stages whose time has come."""
        now = self._clock.monotonic()
        due = [stage for at, stage in self.waiting.values() if at <= now]
        for stage in due:
            del self.waiting[stage.key]
        return due


def exit_code(figures: Figures) -> int | None:
    """How an attempt ended, in one number as shells give it: 128 + the signal if one ended it."""
    return figures.exit_code if figures.signal is None else 128 + figures.signal
