"""The usage file: the figures of an attempt, for whoever looks while it runs or after its supervisor is gone."""
# ruff: noqa: PTH104, PTH123 - pathlib would be loaded into every supervisor

from __future__ import annotations

import contextlib
import os


class UsageFile:
    """Replaced in one step: a reader finds the old figures or the new, whatever dies when.

    A full disk or a removed folder costs this file, never the stage: the driver is told the same figures.
    """

    def __init__(self, path: bytes) -> None:
        self._path = path

    def replace(self, content: bytes) -> None:
        """Puts new figures in the place of the old."""
        beside = self._path + b".tmp"
        with contextlib.suppress(OSError):
            fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                os.write(fd, content)
            finally:
                os.close(fd)
            os.rename(beside, self._path)

    def settle(self) -> None:
        """Waits until the figures would survive a loss of power, too."""
        with contextlib.suppress(OSError), open(self._path, "rb") as file:
            os.fsync(file.fileno())


class NoUsageFile:
    """Of a stage that is not metered nothing is written."""

    def replace(self, content: bytes) -> None:
        """Writes nothing."""

    def settle(self) -> None:
        """Nothing was written."""
