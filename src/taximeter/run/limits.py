"""Ends what has spent what it might; what was made stays."""

from __future__ import annotations

from taximeter.run.budgets import Budgets
from taximeter.run.ending import Ending
from taximeter.run.underway import Running, Underway


class Limits:
    """Holds the stages that run to the budgets."""

    def __init__(self, budgets: Budgets, running: Underway, ending: Ending) -> None:
        self._budgets = budgets
        self._running = running
        self._ending = ending

    def keep(self) -> None:
        """Tells those to end that have spent too much, each once."""
        for over in list(self._budgets.overspent(self._running.stage_ids())):
            self._ending.overspent(over)
            for running in self._running:
                if running.overspent is None and over.stage_id in (None, running.stage.id):
                    running.overspent = over.reason
                    running.stop()

    def reason(self, running: Running) -> str | None:
        """Why a stage that failed could not go on, if it was its budget: a program can refuse calls itself."""
        over = next(self._budgets.overspent([running.stage.id]), None)
        if over is not None:
            self._ending.overspent(over)
        return None if over is None else over.reason
