"""What is known of a command in the foreground when it has ended."""

import signal
import socket
from typing import cast

from taximeter.clock import SystemClock
from taximeter.run.execloop import Command, failure
from taximeter.run.interrupts import Interrupts
from taximeter.run.paced import Paced
from tests.stages import Launcher


class Late:
    """Signals that have come, and of which the selector does not know yet."""

    def __init__(self) -> None:
        self._never, self._other = socket.socketpair()

    def fileno(self) -> int:
        return self._never.fileno()

    def read(self) -> list[signal.Signals]:
        return [signal.SIGTERM]

    def close(self) -> None:
        self._never.close()
        self._other.close()


def test_a_signal_that_the_selector_tells_after_the_end_was_still_the_reason(launcher: Launcher) -> None:
    late = Late()
    stage = launcher.launch(["sh", "-c", "kill -TERM $$"])
    never = Paced(lambda: None, SystemClock())
    command = Command(stage.handle, launcher.forkserver, cast(Interrupts, late), (never,))
    assert failure(command.wait(), command.signals) == ("cancelled", "ended by SIGTERM")
    late.close()
