"""Work beside the driver's loop, since files can be large: nobody waits while they are read or copied."""

from __future__ import annotations

import contextlib
import queue
import socket
from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Aside(Generic[Q, A]):
    """A thread that answers what it is asked, in order. It is not waited for when the run ends."""

    def __init__(self, work: Callable[[Q], A]) -> None:
        self._answer = work
        self._asked: queue.SimpleQueue[Q] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Q, A]] = queue.SimpleQueue()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        Thread(target=self._work, daemon=True).start()

    def fileno(self) -> int:
        """For a selector: readable when there are answers."""
        return self._reader.fileno()

    def ask(self, question: Q) -> None:
        """Wants to know."""
        self._asked.put(question)

    def answers(self) -> list[tuple[Q, A]]:
        """What was found out since the last time."""
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(1 << 12)
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._answers.get_nowait())
        return found

    def _work(self) -> None:
        while True:
            question = self._asked.get()
            self._answers.put((question, self._answer(question)))
            with contextlib.suppress(OSError):  # the run is over
                self._writer.send(b".")
