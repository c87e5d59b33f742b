"""The end of a process that lives as long as its standard input is open, as those that serve a run do."""

from __future__ import annotations

import contextlib
import subprocess


def dismiss(process: subprocess.Popen[bytes], patience: float) -> None:
    """Closes its input and waits until it has ended; after so many seconds it is killed. Both of its ends are pipes."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
