"""A live table for those who watch a run in a terminal."""

from __future__ import annotations

from typing import IO, cast

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from taximeter.events import Status
from taximeter.recipe.plan import PlannedStage
from taximeter.redact import visible
from taximeter.report.records import RunInstrumentation, StageInstrumentation
from taximeter.report.terminal import headline_view, stages_view
from taximeter.run.lines import Unheeded

_FRAME = 8
"""Lines of a live table that are not stages."""


class LiveTable:
    """Stage, status, wall, CPU, peak memory, calls, tokens and cost so far, four times a second."""

    interval: float = 0.25

    def __init__(self, console: Console) -> None:
        self._console = _unheeded(console)
        self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
        self._live.start()

    def started(self, stage: PlannedStage) -> None:
        """The next look shows it."""

    def ended(self, stage: PlannedStage, status: Status, message: str | None) -> None:
        """The next look shows it."""

    def look(self, report: RunInstrumentation) -> None:
        """Draws the table anew."""
        width, height = self._console.size
        shown = _that_fit(report.stages, max(height - _FRAME, 3))
        hidden = len(report.stages) - len(shown)
        rest = [Text(f"… and {hidden} more stages", "dim")] if hidden else []
        table = stages_view(report, shown, width)
        self._live.update(Group(headline_view(report, width), Text(), table, *rest), refresh=True)

    def warn(self, text: str) -> None:
        """Stands above the table, and stays."""
        self._console.print(Text(visible(text), "yellow"))

    def close(self) -> None:
        """Takes the table off the screen: the report follows."""
        self._live.stop()


def _that_fit(stages: list[StageInstrumentation], room: int) -> list[StageInstrumentation]:
    """Those that run, then the latest that ended, then the next ones; in the order of the plan."""
    if len(stages) <= room:
        return stages
    ended = [i for i, stage in enumerate(stages) if stage.status not in ("running", "pending")]
    order = [
        *(i for i, stage in enumerate(stages) if stage.status == "running"),
        *reversed(ended),
        *(i for i, stage in enumerate(stages) if stage.status == "pending"),
    ]
    return [stages[i] for i in sorted(order[:room])]


def _unheeded(console: Console) -> Console:
    """The console, which nobody need read or keep any more."""
    console.file = cast("IO[str]", Unheeded(console.file))
    return console
