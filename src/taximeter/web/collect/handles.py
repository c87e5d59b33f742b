"""Open files, as few as the system likes: those that were not written to for longest are closed."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path

_MOST = 256


class Handles:
    """File descriptors to append by, opened when they are needed."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, int] = OrderedDict()

    def of(self, path: Path) -> int:
        """The descriptor of a file, which is made if it is not there; OSError if it cannot be."""
        fd = self._open.get(path)
        if fd is None:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            fd = os.open(path, flags, 0o644)
            if len(self._open) >= _MOST:
                os.close(self._open.popitem(last=False)[1])
            self._open[path] = fd
        else:
            self._open.move_to_end(path)
        return fd

    def close(self, path: Path) -> None:
        """Closes a file, if it is open."""
        fd = self._open.pop(path, None)
        if fd is not None:
            os.close(fd)

    def close_all(self) -> None:
        """Closes all of them."""
        for path in tuple(self._open):
            self.close(path)
