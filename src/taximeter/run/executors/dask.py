"""Stages on a Dask cluster: one that is there, or one of worker processes that is started on this machine."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

from taximeter.errors import Problem, SetupError
from taximeter.run.dismissal import dismiss
from taximeter.settings import without_metering

if TYPE_CHECKING:
    from taximeter.run.executors.dask_executor import Dask

if find_spec("distributed") is None:
    raise ModuleNotFoundError("No module named 'distributed'", name="distributed")

_CLUSTER = (sys.executable, "-P", "-m", "taximeter.run.executors.dask_cluster")
_FAREWELL = 10.0
"""Seconds that a cluster of ours gets to end."""


class Elsewhere:
    """The cluster was there before, and stays."""

    is_here = False

    def __init__(self, address: str) -> None:
        self.address = address

    def close(self) -> None:
        """It is not ours to end."""


class Here:
    """A cluster on this machine, for so many stages at a time; it ends with this process."""

    is_here = True

    def __init__(self, jobs: int | None) -> None:
        cpus = os.cpu_count() or 1
        workers = min(jobs or cpus, cpus)
        threads = math.ceil((jobs or cpus) / workers)
        self._process = subprocess.Popen(
            [*_CLUSTER, str(workers), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=without_metering(os.environ),
            start_new_session=True,
        )

    @cached_property
    def address(self) -> str:
        """Once it is up; SetupError if it does not come up."""
        assert self._process.stdout is not None
        address = self._process.stdout.readline().decode().strip()
        if not address:
            self.close()
            raise SetupError(
                Problem("no Dask cluster could be started here", f"see what this says: {' '.join(_CLUSTER)} 1 1")
            )
        return address

    def close(self) -> None:
        """Ends it, and its workers with it."""
        dismiss(self._process, _FAREWELL)


def connect(address: str | None, jobs: int | None, files: str | None) -> Dask:
    """The cluster at an address, or a new one of so many workers; SetupError if that cannot be. `files` is the URL of
    the place through which inputs and artifacts travel; without one they lie in a folder that all nodes share."""
    cluster = Elsewhere(address) if address else Here(jobs)
    from taximeter.run.executors.dask_executor import Dask  # it takes its time, in which the cluster comes up

    return Dask(cluster, files)
