"""A line for each event of a run, where there is no terminal."""

from __future__ import annotations

import math
import os
from typing import IO, TYPE_CHECKING, Any

from taximeter import numbers
from taximeter.clock import Clock
from taximeter.events import Status
from taximeter.recipe.plan import PlannedStage
from taximeter.redact import visible

if TYPE_CHECKING:
    from taximeter.report.records import RunInstrumentation


class Lines:
    """A plain line for each event, with the seconds since the beginning."""

    interval: float = math.inf

    def __init__(self, stream: IO[str], clock: Clock) -> None:
        self._stream = Unheeded(stream)
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
        self._stream.write(f"[{at:>8}] {line}\n")


class Unheeded:
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
