"""The recorder of this process, and what a program calls most."""

from __future__ import annotations

import os
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from taximeter.recorder.recorder import Recorder

if TYPE_CHECKING:
    from taximeter.recorder.attribution import TokenService

RECORDER = Recorder()
os.register_at_fork(after_in_child=RECORDER.in_child)


def get_recorder() -> Recorder:
    """The recorder of this process, turned on by itself if the environment says so (`TAXIMETER_ENABLED=1`)."""
    RECORDER.settled()
    return RECORDER


enable = RECORDER.enable
disable = RECORDER.disable


def attach(service: TokenService | None) -> Recorder:
    """Reads a service's cumulative counters: see `Recorder.attach`."""
    return get_recorder().attach(service)


def is_enabled() -> bool:
    """Whether the recorder of this process is on."""
    return RECORDER.settled()


def flush(timeout: float = 5.0) -> bool:
    """Waits up to `timeout` seconds until every event is where it shall be; whether it is."""
    return RECORDER.flush(timeout)


def admit() -> None:
    """Returns if another call may be made; BudgetExceeded if the budget of this process is used up.

    Captured calls ask by themselves. Without a budget, or with the recorder off, every call may be made.
    """
    if RECORDER.settled() and RECORDER.purse is not None:
        RECORDER.purse.admit()


def clocks() -> tuple[float, float, float]:
    """Seconds since the epoch, on the monotonic clock, and of CPU time of this process, at one moment."""
    monotonic = perf_counter()
    return RECORDER.process.utc(monotonic), monotonic, process_time()
