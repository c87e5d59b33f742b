"""How a run ends: the first reason stays the reason."""

from __future__ import annotations

import signal

from taximeter.events import Status
from taximeter.run.budgets import Overspent


class Ending:
    """It is `done` unless something happens. With `keep_going` a stage that fails does not bring the end nearer."""

    def __init__(self, *, keep_going: bool) -> None:
        self.status: Status = "done"
        self.reason: str | None = None
        self.signal: signal.Signals | None = None
        """The signal that asked for it."""

        self.is_near = False
        """Nothing is started any more."""

        self._keep_going = keep_going

    def failed(self, stage_id: str, error: str) -> None:
        """A stage has failed for good."""
        if self.status == "done":
            self.status, self.reason = "failed", f"stage {stage_id}: {error}"
        self.is_near |= not self._keep_going

    def overspent(self, over: Overspent) -> None:
        """A stage, or the run, has spent what it might."""
        if self.status == "done":
            self.status, self.reason = "over_budget", over.reason
        self.is_near |= over.stage_id is None or not self._keep_going

    def asked_for(self, number: signal.Signals) -> None:
        """A signal came that ends the run."""
        self.signal, self.status, self.reason, self.is_near = number, "cancelled", number.name, True

    def cut_short(self) -> tuple[Status, str]:
        """What becomes of a stage that could not be run to its end."""
        if self.status == "over_budget":
            return "over_budget", self.reason or ""
        return "cancelled", "the run ended before all of its shards were run"

    def broken(self, reason: str) -> None:
        """What runs the stages can do so no more."""
        self.status, self.reason, self.is_near = "failed", reason, True

    def was_enough(self) -> None:
        """All of the budget was spent, and every stage was done with it."""
        self.status, self.reason = "done", None
