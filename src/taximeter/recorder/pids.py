"""Whether the process that recorded itself still lives: its pid says so only where it means that process."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from taximeter.events import SpanEvent


@cache
def pid_space() -> dict[str, str]:
    """Where pids mean what they mean to this process: the boot of the machine and the PID namespace, as far as told."""
    found = {}
    with suppress(OSError):
        found["boot_id"] = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    with suppress(OSError):
        found["pid_namespace"] = str(Path("/proc/self/ns/pid").readlink())
    return found


def lives(process: SpanEvent) -> bool:
    """Whether the process of this span is known to live: it has not ended, and has its pid here and now."""
    if process.ended_at is not None or process.pid is None or process.node != os.uname().nodename:
        return False
    here, told = pid_space(), process.meta or {}
    return bool(here) and here.items() <= told.items() and Path(f"/proc/{process.pid}").exists()
