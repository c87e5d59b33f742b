"""The forkserver of a command in the foreground, which shares session, process group and open files with its caller."""

from __future__ import annotations

import signal
import socket
import sys

from taximeter.run import forkserver, jobsignals


def main() -> None:
    """The forkserver process: the control socket is the file descriptor that the second argument names."""
    control = socket.socket(fileno=int(sys.argv[2]))
    control.set_inheritable(False)
    for number in jobsignals.PASSED:  # some would end it, and they are not for it
        signal.signal(number, signal.SIG_IGN)
    forkserver.run(control, jobsignals.listen, ahead=0)
