"""What a program calls to say how far it is."""

from __future__ import annotations

import os
import time
from typing import Any

import msgspec

from taximeter import settings
from taximeter.clock import iso
from taximeter.recorder.guard import guarded


class ProgressLogger:
    """Appends lines to the progress file of a stage; does nothing where nobody asked for them, and never raises."""

    def __init__(self, path: str | os.PathLike[str] | None = None, *, run_id: str | None = None) -> None:
        """`path` is what `{progress_file}` says; without it, `TAXIMETER_PROGRESS_FILE`."""
        self._path = settings.PROGRESS_FILE.read() if path is None else path
        self._run_id = settings.STAGE_RUN_ID.read() if run_id is None else run_id

    @guarded
    def log(
        self,
        stage: str | None = None,
        status: str = "running",
        *,
        current: float | None = None,
        total: float | None = None,
        message: str | None = None,
        **extra: Any,
    ) -> None:
        """Says that `current` of `total` units of work are done. `extra` is kept with the line."""
        if self._path is None:
            return
        line = {
            "timestamp": iso(time.time()),
            "run_id": self._run_id,
            "stage": settings.STAGE_ID.read() if stage is None else stage,
            "status": status,
            "current": current,
            "total": total,
            "message": message,
            "extra": extra,
        }
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(fd, msgspec.json.encode(line) + b"\n")
        finally:
            os.close(fd)
