"""Where a supervisor waits for its stage, and gets its connection to the driver."""

from __future__ import annotations

import socket


class Post:
    """Made before a supervisor is forked; each side lets go of what is the other's."""

    def __init__(self) -> None:
        self._giver, self._taker = socket.socketpair()

    def give_out(self) -> None:
        """This is the forkserver."""
        self._taker.close()

    def take_up(self) -> None:
        """This is the supervisor."""
        self._giver.close()

    def give(self, connection: int) -> bool:
        """Gives the supervisor its connection, a file descriptor; False if it is dead."""
        with self._giver:
            try:
                socket.send_fds(self._giver, [b"+"], [connection])
            except (BrokenPipeError, ConnectionResetError):
                return False
        return True

    def wait(self) -> socket.socket | None:
        """The connection, once there is a stage; None if there will be none."""
        with self._taker:
            _, fds, _, _ = socket.recv_fds(self._taker, 1, 1)
        if not fds:
            return None
        connection = socket.socket(fileno=fds[0])
        connection.set_inheritable(False)
        return connection

    def close(self) -> None:
        """There will be no stage."""
        self._giver.close()
        self._taker.close()
