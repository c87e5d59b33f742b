"""Compiled sheets that every driver of this user needs: made once for each version."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

FORMAT = 1
"""Of the compiled sheet; another one has files of its own."""


def read(name: str) -> bytes | None:
    """What is kept under a name; None if nothing is."""
    try:
        return _path(name).read_bytes()
    except OSError:
        return None


def keep(name: str, content: bytes) -> None:
    """Keeps it for the next time; where nothing can be written, it is made each time."""
    path = _path(name)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        with suppress(OSError):  # where nothing can be written, nothing can be removed either
            temporary.unlink()


def _path(name: str) -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "taximeter" / f"{name}.{FORMAT}.json"
