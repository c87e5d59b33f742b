"""A file in the run directory by which a worker knows that it sees the very same one."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from taximeter.run.remote.worker import TOKEN
from taximeter.rundir import replace


class Tokens:
    """Each run directory gets one, new for each driver: a copy of the directory on another disk has an old one."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, run_dir: str) -> str:
        """What stands in the file. Where it cannot be written, workers say that they do not see it."""
        if run_dir not in self._known:
            token = self._known[run_dir] = secrets.token_hex(16)
            with contextlib.suppress(OSError):
                replace(Path(run_dir) / TOKEN, token.encode())
        return self._known[run_dir]
