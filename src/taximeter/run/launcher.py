"""The driver's side: starts the forkserver, hands it tasks, and reads what their supervisors tell."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec

import taximeter
from taximeter.run.channel import HOLD, LAUNCH
from taximeter.run.jobsignals import PASSED
from taximeter.run.messages import Done, Kill, Launch, Lost, Message, PassOn, Started, Stop
from taximeter.run.seat import FreeSeats, Seat

_DECODER = msgspec.json.Decoder(Started | Done)
_ROOT = str(Path(taximeter.__file__).parent.parent)
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from taximeter.run.{} import main; main()"
_BACKGROUND, _FOREGROUND = _PROGRAM.format("forkserver"), _PROGRAM.format("foreground")
_FAREWELL = 5.0
"""Seconds that the forkserver gets to end everything; it needs 0.3 unless a process cannot be killed."""


class StageHandle:
    """A stage that was launched. Its supervisor ends the stage as soon as this handle is closed or the driver dies."""

    def __init__(self, seat: Seat, task: bytes, free: FreeSeats) -> None:
        self._seat = seat
        self._free = free
        self._is_over = False
        self._is_done = False
        """Whether the supervisor has told all of the stage."""

        self._is_ordered = False
        """Whether it was told something, which may come too late: whoever has its seat next would read it."""

        self._is_closed = False
        seat.take(task)

    def fileno(self) -> int:
        """For a selector: readable when `read` has something to give. Unregister it after `Done` or `Lost`."""
        return self._seat.fileno()

    def read(self) -> list[Message]:
        """What has been told since the last time, without waiting. The last message ever is `Done` or `Lost`."""
        if self._is_over:
            return []
        messages: list[Message] = [_DECODER.decode(line) for line in self._seat.read()]
        self._is_over = self._is_done = any(isinstance(message, Done) for message in messages)
        if self._seat.is_dead and not self._is_over:
            self._is_over = True
            messages.append(Lost())
        return messages

    def stop(self, grace: float) -> None:
        """Sends TERM to every process of the stage, and KILL to what is left after `grace` seconds."""
        self._order(Stop(grace))

    def kill(self) -> None:
        """Sends KILL to every process of the stage."""
        self._order(Kill())

    def pass_on(self, number: int) -> None:
        """Gives a signal that this process was sent to the stage's own process, unless it has got it as well."""
        self._order(PassOn(number))

    def close(self) -> None:
        """Lets go of the stage; if it still runs, it is killed at once."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._is_done and not self._is_ordered:
            self._free.put(self._seat)
        else:
            self._seat.close()

    def _order(self, order: Stop | Kill | PassOn) -> None:
        self._is_ordered = True
        self._seat.order(msgspec.json.encode(order))


class Forkserver:
    """The process from which all supervisors of this driver are forked."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._free = FreeSeats()

    @classmethod
    def start(cls) -> Forkserver:
        """Starts it and does not wait until it is up; tasks may be launched at once."""
        control, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BACKGROUND, _ROOT],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return cls(process, control)

    @classmethod
    def in_foreground(cls) -> Forkserver:
        """The same for a command in the foreground: with all open files, the terminal and the group of this process."""
        control, theirs = socket.socketpair()
        with theirs:
            theirs.set_inheritable(True)
            command = [sys.executable, "-I", "-S", "-c", _FOREGROUND, _ROOT, str(theirs.fileno())]
            # What comes to the whole group waits, here and there, until the forkserver has said that it ignores it.
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED)
            try:
                process = subprocess.Popen(command, close_fds=False)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return cls(process, control)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def fileno(self) -> int:
        """For a selector: readable when the forkserver has died. Close every handle then."""
        return self._control.fileno()

    def hold(self, lock: int) -> None:
        """Lets it and its supervisors have a lock as well, by its file descriptor, until the last of them is gone."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self._control, [HOLD], [lock])

    def launch(self, task: Launch) -> StageHandle:
        """Starts an attempt of a stage. If the forkserver is dead, the handle reads `Lost`."""
        return StageHandle(self._free.get() or self._new_seat(), task.line(), self._free)

    def _new_seat(self) -> Seat:
        ours, theirs = socket.socketpair()
        with theirs, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self._control, [LAUNCH], [theirs.fileno()])
        return Seat(ours)

    def dismiss(self) -> None:
        """Ends it, and with it every stage that still runs; does not wait for that."""
        self._free.close()
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """The same; waits until all are gone."""
        self.dismiss()
        with self._control, contextlib.suppress(OSError):
            self._control.settimeout(_FAREWELL)
            self._control.recv(1)
        self._process.kill()
        self._process.wait()
