"""The boundary to the measured program: the only place where an exception of ours is swallowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

P = ParamSpec("P")

failures: Counter[str] = Counter()
"""How often each cause was swallowed in this process."""


def guarded(record: Callable[P, None]) -> Callable[P, None]:
    """Makes a recording function safe to call from any program: whatever goes wrong is counted, and logged once."""

    @wraps(record)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            record(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the host comes first
            _swallow(error)

    return call


def _swallow(error: Exception) -> None:
    cause = f"{type(error).__name__}: {error}"
    failures[cause] += 1
    if failures[cause] == 1:
        import logging

        logging.getLogger("taximeter").warning("could not record: %s", cause, exc_info=error)
