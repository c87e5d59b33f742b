"""The time zone of the person who asks."""

from __future__ import annotations

import os
from pathlib import Path


def local_zone() -> str:
    """The time zone of the person who asks, by its name: days in answers are theirs."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if named and "/" in named and (Path("/usr/share/zoneinfo") / named).exists():
        return named
    _, found, name = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")
    return name if found and not named else "UTC"
