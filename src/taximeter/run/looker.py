"""Looks at stages beside the driver's loop, since inputs can be large: nobody waits while they are read or copied."""

from __future__ import annotations

import contextlib
import queue
import socket
from threading import Thread

from taximeter.recipe.plan import PlannedStage
from taximeter.run.reuse import Look, Reuse


class Looker:
    """A thread that answers, in order, whether stages must be run. It is not waited for when the run ends."""

    def __init__(self, reuse: Reuse) -> None:
        self._reuse = reuse
        self._asked: queue.SimpleQueue[PlannedStage] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[PlannedStage, Look]] = queue.SimpleQueue()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        Thread(target=self._work, daemon=True).start()

    def fileno(self) -> int:
        """For a selector: readable when there are answers."""
        return self._reader.fileno()

    def ask(self, stage: PlannedStage) -> Look | None:
        """Wants to know about a stage, all that it needs being there; the answer, if that is known in no time."""
        if self._reuse.is_quick(stage):
            return self._reuse.look(stage)
        self._asked.put(stage)
        return None

    def answers(self) -> list[tuple[PlannedStage, Look]]:
        """What was found out since the last time; what is to be reused lies where this run has it."""
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(1 << 12)
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._answers.get_nowait())
        return found

    def _work(self) -> None:
        while True:
            stage = self._asked.get()
            self._answers.put((stage, self._reuse.settle(stage)))
            with contextlib.suppress(OSError):  # the run is over
                self._writer.send(b".")
