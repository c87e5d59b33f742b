"""Signals to the driver, noted until its loop asks for them."""

from __future__ import annotations

import signal
import socket
from collections.abc import Collection
from types import FrameType, TracebackType
from typing import Self

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a run before its time."""


class Interrupts:
    """While it is entered, these signals make it readable instead of ending the process.

    Those that nobody reads change nothing: the run was over. A signal that may be ignored stays so: SIGHUP under
    `nohup`.
    """

    def __init__(
        self, caught: Collection[signal.Signals] = ENDING, ignorable: Collection[signal.Signals] = (signal.SIGHUP,)
    ) -> None:
        self._caught = caught
        self._ignorable = ignorable
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def __enter__(self) -> Self:
        self._old_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        ignored = {number for number in self._ignorable if signal.getsignal(number) == signal.SIG_IGN}
        caught = [number for number in self._caught if number not in ignored]
        self._old = {number: signal.signal(number, _noted) for number in caught}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_fd)
        self._reader.close()
        self._writer.close()

    def fileno(self) -> int:
        """For a selector."""
        return self._reader.fileno()

    def read(self) -> list[signal.Signals]:
        """The signals that came since the last time."""
        try:
            return [signal.Signals(number) for number in self._reader.recv(256) if number in self._caught]
        except BlockingIOError:
            return []


def _noted(number: int, frame: FrameType | None) -> None:
    """The wakeup file descriptor has it."""
