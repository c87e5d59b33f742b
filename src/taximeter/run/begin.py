"""The beginning of a run: the process that stages are forked from boots while all else is loaded."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from taximeter.clock import Clock, SystemClock
from taximeter.run.launcher import Forkserver

if TYPE_CHECKING:
    from taximeter.run.executor import Executor
    from taximeter.run.observer import Observer
    from taximeter.run.options import RunOptions
    from taximeter.run.outcome import Outcome


def run_recipe(
    options: RunOptions,
    observe: Callable[[], Observer],
    clock: Clock | None = None,
    executor: Executor | None = None,
) -> Outcome:
    """Runs a recipe: SetupError with all that is wrong, before anything starts; RunDirError if another driver has
    the run.

    `observe` makes the one who watches, once all is checked. From when the run directory is entered until the last
    word is written, SIGINT, SIGTERM and SIGHUP end the stages and not this process. An `executor` that is given is
    used in place of the one that the options name; it is closed.
    """
    with closing(Forkserver.start()) as forkserver:
        gc.disable()  # all that is imported stays: to look through it again and again takes a tenth of the start
        from taximeter.run.pipeline import conduct

        gc.freeze()
        gc.enable()
        return conduct(forkserver, options, observe, clock or SystemClock(), executor)
