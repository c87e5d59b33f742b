"""The usage file: the figures of an attempt, for whoever looks while it runs or after its supervisor is gone."""
# ruff: noqa: PTH104 - pathlib would be loaded into every supervisor

from __future__ import annotations

import contextlib
import os


class UsageFile:
    """Replaced in one step: a reader finds the old figures or the new, whatever dies when.

    A full disk or a removed folder costs this file, never the stage: the driver is told the same figures.
    """

    def __init__(self, path: bytes) -> None:
        self._path = path
        self._beside = path + b".tmp"
        self._next: int | None = None
        """The file for the next figures, if it is made already."""

        self._latest: int | None = None

    def prepare(self) -> None:
        """Makes the file for the next figures, for which nobody has to wait then."""
        with contextlib.suppress(OSError):
            self._next = os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)

    def replace(self, content: bytes) -> None:
        """Puts new figures in the place of the old."""
        self.close()
        if self._next is None:
            self.prepare()
        self._latest, self._next = self._next, None
        if self._latest is not None:
            with contextlib.suppress(OSError):
                os.write(self._latest, content)
                os.rename(self._beside, self._path)

    def settle(self) -> None:
        """Waits until the figures would survive a loss of power, too."""
        if self._latest is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._latest)

    def close(self) -> None:
        """Lets go of the file."""
        if self._latest is not None:
            os.close(self._latest)
            self._latest = None


class NoUsageFile:
    """Of a stage that is not metered nothing is written."""

    def prepare(self) -> None:
        """Makes nothing."""

    def replace(self, content: bytes) -> None:
        """Writes nothing."""

    def settle(self) -> None:
        """Nothing was written."""

    def close(self) -> None:
        """Nothing was opened."""
