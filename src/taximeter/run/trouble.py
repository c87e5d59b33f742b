"""Trouble with what a run writes about itself; it never ends the run."""

from __future__ import annotations

from types import TracebackType


class Trouble:
    """Entered around a write that a run can do without: an OSError ends there, and the first one is remembered."""

    def __init__(self) -> None:
        self.first: OSError | None = None

    def __enter__(self) -> None:
        """Whatever is written now may fail."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        if not isinstance(error, OSError):
            return False
        self.first = self.first or error
        return True
