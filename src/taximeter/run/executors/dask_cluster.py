"""A Dask cluster on this machine, as a program: it ends with its standard input.

A process of its own, in a session of its own: neither a signal to the driver's group nor the end of the driver leaves
anything of it, and it holds none of the driver's memory.
"""

from __future__ import annotations

import asyncio
import os
import sys

import dask
from distributed import LocalCluster

_SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
}
"""Where an attempt is made, and whether there is another one, is for the driver to say. Nobody looks at what Dask finds
out of its own processes ten or a hundred times a second, which do nothing but wait for ours."""


async def serve(workers: int, threads: int) -> None:
    """Starts so many worker processes with so many threads each, prints the address of their scheduler, and waits for
    the end of its input."""
    with dask.config.set(_SETTINGS):
        async with LocalCluster(
            n_workers=workers,
            threads_per_worker=threads,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # none, if that could be said
            asynchronous=True,
        ) as cluster:
            os.write(1, cluster.scheduler_address.encode() + b"\n")
            await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
