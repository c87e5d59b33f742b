"""Where a supervisor waits for its stages, and gets its connections to the driver."""

from __future__ import annotations

import contextlib
import select
import socket

from taximeter.run.channel import Channel

_STAGE, _READY = b"+", b"."


class Post:
    """Made before a supervisor is forked; each side lets go of what is the other's."""

    def __init__(self) -> None:
        self._giver, self._taker = socket.socketpair()

    # -- the forkserver -----------------------------------------------------------------------------------------------

    def give_out(self) -> None:
        """This is the forkserver."""
        self._taker.close()

    def fileno(self) -> int:
        """For a poll: readable when a supervisor that has a stage is ready for another one, or is dead."""
        return self._giver.fileno()

    def give(self, connection: int) -> bool:
        """Gives the supervisor a connection, a file descriptor; False if it is dead."""
        try:
            socket.send_fds(self._giver, [_STAGE], [connection])
        except (BrokenPipeError, ConnectionResetError):
            self.close()
            return False
        return True

    def is_ready(self) -> bool:
        """Whether what was readable is the word of a supervisor that waits again; else it is dead."""
        try:
            return self._giver.recv(1) == _READY
        except ConnectionResetError:
            return False

    # -- the supervisor -----------------------------------------------------------------------------------------------

    def take_up(self) -> None:
        """This is the supervisor."""
        self._giver.close()

    def wait(self) -> socket.socket | None:
        """The connection, once there is a stage; None if there will be none."""
        try:
            _, fds, _, _ = socket.recv_fds(self._taker, 1, 1)
        except ConnectionResetError:
            return None
        if not fds:
            return None
        connection = socket.socket(fileno=fds[0])
        connection.set_inheritable(False)
        return connection

    def stays(self, channel: Channel) -> bool:
        """Waits until the driver says something or is gone; whether the forkserver lives and wants this supervisor."""
        poll = select.poll()
        poll.register(self._taker, select.POLLIN)
        poll.register(channel, select.POLLIN)
        return self._taker.fileno() not in {fd for fd, _ in poll.poll()}

    def tell_ready(self) -> None:
        """Nothing is left of the stage: there may be another one."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._taker.send(_READY)

    # -- both ---------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """There will be no stage any more."""
        self._giver.close()
        self._taker.close()
