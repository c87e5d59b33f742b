"""Folders on a node: each is held while the worker lives that made it, and those of dead workers are removed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from threading import Thread

_PREFIX = "taximeter-attempt-"
_OURS = re.compile(re.escape(_PREFIX) + "[a-z0-9_]+")


class Folder:
    """A new one, among temporary files. The lock on it falls with this process, however it ends."""

    def __init__(self) -> None:
        _sweep_once()
        while not self._make():
            pass

    def _make(self) -> bool:
        """False if another worker was quicker, and took it for a dead one's."""
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        try:
            self._held = _open(self.path)
        except FileNotFoundError:
            return False
        try:
            _lock(self._held)
        except BlockingIOError:
            os.close(self._held)
            return False
        except OSError:  # there are no such locks on this file system, so nobody gets one
            return True
        return self.path.exists()

    def remove(self) -> None:
        """Nobody waits until it is removed."""
        remover = Thread(target=_remove, args=(self.path, self._held))
        try:
            remover.start()
        except RuntimeError:  # the interpreter ends
            remover.run()


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _lock(folder: int) -> None:
    """OSError if another process has the lock, or there are none."""
    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove(path: Path, held: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(held)


@cache
def _sweep_once() -> None:
    """Once in the life of a worker, beside what it does."""
    Thread(target=_sweep, args=(tempfile.gettempdir(),)).start()


def _sweep(place: str) -> None:
    for name in os.listdir(place):  # noqa: PTH208 - there may be many others
        if _OURS.fullmatch(name):
            with contextlib.suppress(OSError):  # it is gone, or somebody else's
                _remove_if_dead(Path(place, name))


def _remove_if_dead(path: Path) -> None:
    folder = _open(path)
    try:
        if os.fstat(folder).st_uid != os.geteuid():
            return
        _lock(folder)
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(folder)
