"""Those who watch a run in a terminal: a live table, or a line for each event where there is no terminal."""

from __future__ import annotations

import math
import os
from typing import IO, Any, cast

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from taximeter import numbers
from taximeter.clock import Clock
from taximeter.events import Status
from taximeter.recipe.plan import PlannedStage
from taximeter.redact import visible
from taximeter.report.records import RunInstrumentation, StageInstrumentation
from taximeter.report.terminal import headline_view, stages_view

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


class Lines:
    """A plain line for each event, with the seconds since the beginning."""

    interval: float = math.inf

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = _unheeded(console)
        self._clock = clock
        self._begin = clock.monotonic()
        self._starts: dict[str, float] = {}

    def started(self, stage: PlannedStage) -> None:
        """Says so."""
        self._starts[stage.id] = self._clock.monotonic()
        self._say(f"{visible(stage.id)}: started")

    def ended(self, stage: PlannedStage, status: Status, message: str | None) -> None:
        """Says how, and how long it took."""
        begin = self._starts.get(stage.id)
        took = "" if begin is None else f" after {numbers.seconds(self._clock.monotonic() - begin)}"
        self._say(f"{visible(stage.id)}: {status}{took}{f': {visible(message)}' if message else ''}")

    def look(self, report: RunInstrumentation) -> None:
        """It has no eye for figures."""

    def warn(self, text: str) -> None:
        """A line, too."""
        self._say(visible(text))

    def close(self) -> None:
        """Nothing was opened."""

    def _say(self, line: str) -> None:
        at = numbers.seconds(self._clock.monotonic() - self._begin)
        self._console.file.write(f"[{at:>8}] {line}\n")


def _unheeded(console: Console) -> Console:
    """The console, which nobody need read or keep any more."""
    console.file = cast("IO[str]", _Unheeded(console.file))
    return console


class _Unheeded:
    """A stream that must not end a run: at the first error it becomes `/dev/null`, for all who write there."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> None:
        """Writes as far as it can be written."""
        try:
            self._stream.write(text)
        except OSError:
            self._give_up()

    def flush(self) -> None:
        """Hands on what was written, if there is anyone to take it."""
        try:
            self._stream.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
