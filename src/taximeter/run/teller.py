"""Tells of stages: to those who watch, to the files of the state, and to the journal."""

from __future__ import annotations

from taximeter.events import Status
from taximeter.recipe.plan import PlannedStage
from taximeter.run.observer import Observer
from taximeter.run.reuse import Look
from taximeter.run.spans import DriverSpans
from taximeter.run.state import StateFiles
from taximeter.run.underway import Running

_UNMET = ("failed", "lost", "cancelled", "skipped", "over_budget")


class Teller:
    """What is said once is said to all that must hear it; to the files when there is time to `tell` them."""

    def __init__(self, spans: DriverSpans, state: StateFiles, observer: Observer) -> None:
        self._spans = spans
        self._state = state
        self._observer = observer

    def started(self, stage: PlannedStage) -> None:
        """A stage runs."""
        self._state.stage(stage, "running")
        self._observer.started(stage)

    def tried(self, stage: PlannedStage, status: Status, message: str, whole: PlannedStage | None = None) -> None:
        """An attempt has failed, and there will be another one; `whole` is the stage of a shard, which runs on."""
        self._state.stage(whole or stage, "running" if whole else "pending", message)
        self._observer.ended(stage, status, message)

    def ended(self, stage: PlannedStage, status: Status, message: str | None = None) -> None:
        """A stage has ended, or will not be run."""
        self._state.stage(stage, status, message)
        self._observer.ended(stage, status, message)

    def reused(self, stage: PlannedStage, look: Look) -> None:
        """What a stage would make is there already."""
        self._spans.reuse_stage(stage, look.fingerprint, look.reused_from, look.stale)
        self.ended(stage, "reused")

    def skipped(self, stage: PlannedStage) -> None:
        """A stage is not tried, perhaps since something that it needs is not there."""
        self._spans.skip_stage(stage)
        unmet = next((need for need in stage.needs if self._state.status(need) in _UNMET), None)
        self.ended(stage, "skipped", unmet and f"it needs {unmet}: {self._state.status(unmet)}")

    def tell(self) -> None:
        """Writes what was said, for which no stage has waited."""
        self._state.tell()

    def progress(self, running: Running) -> None:
        """How far an attempt says that it is."""
        self._state.progress(running.stage, running.progress)

    def is_complete(self) -> bool:
        """Whether every stage is done, here or where it was reused from."""
        return self._state.is_complete()
