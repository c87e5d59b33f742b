"""A worker of Dask, as the driver knows it."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from taximeter import __version__
from taximeter.errors import Problem, SetupError
from taximeter.run.executor import Key, Task
from taximeter.run.executors.dask_letters import Letters
from taximeter.run.executors.dask_worker import Hello

GPU = "GPU"
"""What those who start workers call it."""


class Seat:
    """A worker, in one life of its process."""

    def __init__(self, address: str, threads: int, memory: float, gpus: float, life: str) -> None:
        self.address = address
        self.threads = threads
        self.memory = memory
        self.gpus = gpus
        """Those that it was started with: `dask worker --resources GPU=1`."""

        self.life = life
        self.tasks: dict[Key, tuple[Task, Any]] = {}
        """What it has to do, with the futures of Dask."""

        self.over: list[Key] = []
        """What it did last: nothing is expected of it any more, but letters may lie there."""

        self.letters: Letters
        self.pull: asyncio.Task[None]

    @property
    def load(self) -> float:
        """How busy it is: 1 if all its threads are taken."""
        return sum(task.cpus for task, _ in self.tasks.values()) / self.threads


def take_seat(address: str, facts: dict[str, Any], answer: object) -> Seat:
    """A worker of which the scheduler tells these facts, and that gave this answer to a hello; SetupError if it is not
    like us."""
    there = f"the worker at {address}"
    hint = f"pip install taximeter=={__version__} there, with the same Python as here"
    if not isinstance(answer, Hello):
        raise SetupError(Problem(f"{there} has no taximeter that answers: {answer}", hint))
    if answer.version != __version__:
        raise SetupError(Problem(f"{there} has taximeter {answer.version}, and this is {__version__}", hint))
    memory, gpus = facts["memory_limit"] or math.inf, facts["resources"].get(GPU, 0.0)
    return Seat(address, facts["nthreads"], memory, gpus, answer.life)
