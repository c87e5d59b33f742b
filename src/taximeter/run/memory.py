"""Memory of a process tree, in which no page is counted twice."""

from __future__ import annotations

from collections.abc import Collection

from taximeter.run import proctree
from taximeter.run.proctree import Process


def memory_of(processes: Collection[Process], peak: float) -> int:
    """Bytes that the processes hold in memory now: pages they share count once, and the page cache not at all.

    To sort out shared pages the kernel has to look at each page. It is only asked to if the plain sum, which is never
    less, is above the `peak` known so far.
    """
    by_pid = {process.pid: process for process in processes}
    owners = [process for process in processes if not _borrows(process, by_pid.get(process.parent))]
    plain = sum(process.rss for process in owners)
    if len(owners) < 2 or plain <= peak:
        return plain
    return sum(_proportional(process) for process in owners)


def _borrows(process: Process, parent: Process | None) -> bool:
    """Whether a child still runs in its parent's memory: between `vfork` and `exec`."""
    return parent is not None and process.address_space == parent.address_space


def _proportional(process: Process) -> int:
    """Its private pages and its part of the shared ones; all of its pages if the kernel will not tell."""
    for line in proctree.read(f"/proc/{process.pid}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return process.rss
