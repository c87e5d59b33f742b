"""A connection to a supervisor, which has one stage after the other."""

from __future__ import annotations

import socket
from collections import deque

from taximeter.run.channel import READY, Channel

_MOST_FREE = 8
"""That are kept: as many stages as ran at once need not run at once again."""


class Seat:
    """It is taken by one stage at a time. Once it is closed, or the driver is dead, its supervisor ends the stage."""

    def __init__(self, connection: socket.socket) -> None:
        self._channel = Channel(connection)
        self._is_ready = True

    def fileno(self) -> int:
        """For a selector: readable when `read` has something to give."""
        return self._channel.fileno()

    @property
    def is_dead(self) -> bool:
        """Whether the supervisor has ended."""
        return self._channel.ended

    def take(self, task: bytes) -> None:
        """Has the supervisor begin with a task."""
        self._is_ready = False
        self._channel.send(task)

    def read(self) -> list[bytes]:
        """What it has told of its stage since the last time, without waiting."""
        lines = self._channel.look()
        self._is_ready = self._is_ready or READY in lines
        return [line for line in lines if line != READY]

    def order(self, line: bytes) -> None:
        """Tells it what to do with its stage."""
        self._channel.offer(line)

    def is_free(self) -> bool:
        """Whether it has said that it is ready for another one, and lives."""
        self.read()
        self.read()  # the end of a connection is read alone, after all that has come before
        return self._is_ready and not self.is_dead

    def close(self) -> None:
        """Lets go of the supervisor."""
        self._channel.close()


class FreeSeats:
    """Those whose stages are done. Threads may share them."""

    def __init__(self) -> None:
        self._seats: deque[Seat] = deque()

    def put(self, seat: Seat) -> None:
        """Nobody needs it now."""
        self._seats.append(seat)
        while len(self._seats) > _MOST_FREE:
            self._seats.popleft().close()

    def get(self) -> Seat | None:
        """One that is ready; None if there is none."""
        for _ in range(len(self._seats)):
            try:
                seat = self._seats.popleft()
            except IndexError:  # another thread has it
                return None
            if seat.is_free():
                return seat
            if seat.is_dead:
                seat.close()
            else:
                self._seats.append(seat)
        return None

    def close(self) -> None:
        """Lets go of all."""
        while self._seats:
            self._seats.popleft().close()
