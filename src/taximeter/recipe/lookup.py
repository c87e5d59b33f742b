"""Where a named file is looked up."""

from __future__ import annotations

import os
from pathlib import Path


def look_up(name: str | Path, *folders: Path) -> Path | None:
    """The file or directory of that name in the first folder that has it."""
    # os.path.exists says no where Path.exists raises: a name that is too long, a folder that may not be entered.
    return next((folder / name for folder in folders if os.path.exists(folder / name)), None)  # noqa: PTH110


def is_utf_8(text: str) -> bool:
    """Whether it can stand in JSON: a path may have bytes that are no text, an argument too."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def names_beside(name: str, folder: Path) -> list[str]:
    """Names in the folder where a file should be, written as its own name is."""
    beside = Path(name).parent
    try:
        return [str(beside / entry) for entry in os.listdir(folder / beside)]  # noqa: PTH208 (half the time)
    except OSError:
        return []
