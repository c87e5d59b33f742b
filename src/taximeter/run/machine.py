"""What this machine has to give to stages."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from pathlib import Path

_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where a container's share stands, in control groups of version 2 and 1."""


def system() -> str:
    """The operating system as `platform.platform()` names it, which starts a program to find out."""
    if sys.platform != "linux":
        return platform.platform()
    of, libc = os.uname(), "".join(platform.libc_ver())
    return f"{of.sysname}-{of.release}-{of.machine}-with-{libc}"


def gpus() -> int:
    """GPUs of the machine, by their devices."""
    devices = os.listdir("/dev")  # noqa: PTH208 - names are all that is wanted
    return sum(name.startswith("nvidia") and name.removeprefix("nvidia").isdecimal() for name in devices)


def memory_bytes() -> int:
    """Memory of the machine, or of the container if it may use less."""
    known = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in _LIMITS:
        with contextlib.suppress(OSError, ValueError):  # no such file, or `max`
            known.append(int(Path(path).read_text()))
    return min(known)
