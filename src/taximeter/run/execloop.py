"""Waits for a command in the foreground: passes signals on, and keeps the files of its run up to date."""

from __future__ import annotations

import math
import selectors
import signal

from taximeter.events import Status
from taximeter.ledger.figures import Figures
from taximeter.run.interrupts import Interrupts
from taximeter.run.launcher import Forkserver, StageHandle
from taximeter.run.messages import Done, Lost
from taximeter.run.paced import Paced


class Command:
    """A command that was launched."""

    def __init__(
        self, handle: StageHandle, forkserver: Forkserver, interrupts: Interrupts, paced: tuple[Paced, ...]
    ) -> None:
        self.signals: set[signal.Signals] = set()
        """Those that came while it ran."""

        self._handle = handle
        self._forkserver = forkserver
        self._interrupts = interrupts
        self._paced = paced
        self._figures: Figures | None = None
        self._is_over = False

    def wait(self) -> Figures | None:
        """Returns when nothing of the command is left: what it took, or None if its supervisor died."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._handle, selectors.EVENT_READ, self._hear)
            selector.register(self._interrupts, selectors.EVENT_READ, self._pass_on)
            selector.register(self._forkserver, selectors.EVENT_READ, self._end)
            while not self._is_over:
                wait = min(paced.wait() for paced in self._paced)
                for key, _ in selector.select(None if wait == math.inf else wait):
                    key.data()
                for paced in self._paced:
                    paced.tick()
        # Who sends a signal to all ends the command with it, too, and of its end the selector may tell alone.
        self.signals.update(self._interrupts.read())
        self._handle.close()
        return self._figures

    def _hear(self) -> None:
        for message in self._handle.read():
            match message:
                case Done(figures=figures):
                    self._figures, self._is_over = figures, True
                case Lost():
                    self._end()

    def _end(self) -> None:
        self._is_over = True

    def _pass_on(self) -> None:
        for number in self._interrupts.read():
            self.signals.add(number)
            self._handle.pass_on(number)


def failure(figures: Figures | None, signals: set[signal.Signals]) -> tuple[Status, str | None]:
    """How a command ended, and why it did not end well."""
    if figures is None:
        return "lost", "its supervisor died"
    if figures.spawn_error is not None:
        return "failed", figures.spawn_error
    if figures.signal is not None:
        number = signal.Signals(figures.signal)
        return ("cancelled", f"ended by {number.name}") if number in signals else ("failed", f"killed by {number.name}")
    return ("failed", f"exit code {figures.exit_code}") if figures.exit_code else ("done", None)
