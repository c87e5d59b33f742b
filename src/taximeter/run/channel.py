"""JSON lines over a stream socket: all that a driver and a supervisor say to each other."""

from __future__ import annotations

import contextlib
import socket

LAUNCH, HOLD = b"+", b"="
"""What the driver says to the forkserver with a file descriptor: fork a supervisor for it, or keep it open."""

READY = b"ready"
"""What a supervisor says to the driver when nothing is left of a stage, neither a process nor a file."""


class Channel:
    """One end. Whoever is gone at the other end is noticed by `receive`, never by an error of a sender."""

    def __init__(self, connection: socket.socket) -> None:
        self.ended = False
        """Whether the other end is closed and everything it sent has been received."""
        self._connection = connection
        self._partial = b""

    def fileno(self) -> int:
        """For a selector: readable when something has arrived, or at the end."""
        return self._connection.fileno()

    def receive(self) -> list[bytes]:
        """The lines that are made whole by what has arrived; a line that was cut off by the end is dropped."""
        return self._receive(0)

    def look(self) -> list[bytes]:
        """The same without waiting for anything to arrive."""
        return self._receive(socket.MSG_DONTWAIT)

    def _receive(self, flags: int) -> list[bytes]:
        try:
            data = self._connection.recv(1 << 16, flags)
        except BlockingIOError:
            return []
        except ConnectionResetError:
            data = b""
        self.ended = not data
        *lines, self._partial = (self._partial + data).split(b"\n")
        return lines

    def send(self, line: bytes) -> None:
        """Sends a line, waiting as long as the other end takes to read."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._connection.sendall(line + b"\n")

    def offer(self, line: bytes) -> None:
        """Sends a short line unless the other end has stopped reading; then it is dropped."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            self._connection.send(line + b"\n", socket.MSG_DONTWAIT)

    def close(self) -> None:
        """Closes this end; the other one reads its end."""
        self._connection.close()
