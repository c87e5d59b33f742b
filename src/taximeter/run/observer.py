"""The one seam through which a run is watched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from taximeter.events import Status
from taximeter.recipe.plan import PlannedStage

if TYPE_CHECKING:
    from taximeter.report.records import RunInstrumentation


class Observer(Protocol):
    """Is told of every step. What it does is never the run's concern."""

    interval: float
    """Seconds between two looks at the figures; infinite if it does not want to see them."""

    def started(self, stage: PlannedStage) -> None:
        """An attempt of a stage was started."""
        ...

    def ended(self, stage: PlannedStage, status: Status, message: str | None) -> None:
        """A stage has ended, or will not be run."""
        ...

    def look(self, report: RunInstrumentation) -> None:
        """The figures as they are now."""
        ...

    def warn(self, text: str) -> None:
        """Something that a person should know now."""
        ...

    def close(self) -> None:
        """The run is over."""
        ...


class Unwatched:
    """Nobody looks."""

    interval: float = math.inf

    def started(self, stage: PlannedStage) -> None:
        """Nobody is told."""

    def ended(self, stage: PlannedStage, status: Status, message: str | None) -> None:
        """Nobody is told."""

    def look(self, report: RunInstrumentation) -> None:
        """Nobody looks."""

    def warn(self, text: str) -> None:
        """Nobody is told."""

    def close(self) -> None:
        """Nothing was opened."""
