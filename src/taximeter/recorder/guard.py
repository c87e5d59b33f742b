"""The boundary to the measured program: the only place where an exception of ours is swallowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from taximeter.redact import without_secrets

P = ParamSpec("P")
T = TypeVar("T")

_LONGEST = 2_000
_MOST_CAUSES = 100

failures: Counter[str] = Counter()
"""How often each cause was swallowed in this process; the first hundred causes."""

losses: Counter[str] = Counter()
"""What this process could not record, in the words of `SpanEvent.losses`."""

reasons: Counter[str] = Counter()
"""Why calls were rejected; the first few reasons."""


def guarded(record: Callable[P, None]) -> Callable[P, None]:
    """Makes a recording function safe to call from any program: whatever goes wrong is counted, and logged once."""

    @wraps(record)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            record(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the host comes first
            swallow(error)

    return call


def shielded(function: Callable[P, T], otherwise: Callable[P, T]) -> Callable[P, T]:
    """The same for a function whose result the program waits for: `otherwise` gives it when something goes wrong."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the host comes first
            swallow(error)
            return otherwise(*args, **kwargs)

    return call


def _nowhere(_: object) -> bool:
    return False


def delivering(emit: Callable[[T], None], elsewhere: Callable[[T], bool] = _nowhere) -> Callable[[T], None]:
    """The same for the one call that every event takes; what is taken neither here nor elsewhere is `dropped`."""

    def deliver(event: T) -> None:
        try:
            emit(event)
        except Exception as error:  # noqa: BLE001 - the host comes first
            if not elsewhere(event):
                losses["dropped"] += 1
                swallow(error)

    return deliver


def swallow(error: Exception) -> None:
    """Counts a cause, and logs it at its first time."""
    cause = told(error)
    if cause not in failures and len(failures) >= _MOST_CAUSES:
        cause = "many more"
    failures[cause] += 1
    if failures[cause] == 1:
        import logging

        logging.getLogger("taximeter").warning("could not record: %s", cause, exc_info=error)


def rejected(reason: str) -> None:
    """Counts a figure that cannot be true."""
    losses["rejected"] += 1
    if reason in reasons or len(reasons) < _MOST_CAUSES:
        reasons[reason] += 1


def told(error: BaseException) -> str:
    """Type and message of an exception, however strange: asking it for its message may raise."""
    try:
        return without_secrets(f"{type(error).__name__}: {error}"[: 2 * _LONGEST])[:_LONGEST]
    except Exception:  # noqa: BLE001 - it is not ours
        return type(error).__name__


def text(value: object) -> str:
    """A name or a label as text, however strange: asking it for its text may raise."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - it is not ours
        return f"<{type(value).__name__}>"


def forget() -> None:
    """What a parent lost is not its child's: called in a forked one."""
    for counter in (failures, losses, reasons):
        counter.clear()
