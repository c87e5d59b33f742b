"""The processes below a process, as `/proc` shows them; where there is no `/proc`, none are seen."""
# ruff: noqa: PTH110, PTH112, PTH208 - pathlib would be loaded into every supervisor

from __future__ import annotations

import contextlib
import os
import signal
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

VISIBLE = os.path.isdir("/proc/self/task")
"""Whether this system shows its processes as Linux does."""

LISTED = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
"""Whether the kernel lists the children of a thread; without it every process has to be asked for its parent."""

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process:
    """One process at one moment. Its CPU and faults include those of children that it has waited for."""

    __slots__ = (
        "address_space",
        "cpu_system",
        "cpu_user",
        "group",
        "is_dead",
        "major_faults",
        "parent",
        "pid",
        "rss",
        "stack",
    )

    def __init__(self, pid: int, stat: bytes) -> None:
        field = stat[stat.rindex(b")") + 2 :].split()  # a name may hold anything, even a parenthesis
        self.pid = pid
        self.is_dead = field[0] in b"ZX"
        self.parent = int(field[1])
        self.group = int(field[2])
        self.major_faults = int(field[9]) + int(field[10])
        self.cpu_user = (int(field[11]) + int(field[13])) * _TICK
        self.cpu_system = (int(field[12]) + int(field[14])) * _TICK
        self.rss = int(field[21]) * _PAGE
        self.stack = field[25]  # where it begins: random for each program, the same in a forked child; or 0
        self.address_space = (field[20], field[21], self.stack)  # its size, what is in memory


def read(path: str) -> bytes:
    """Content of a small file of `/proc`; empty if its process is gone or not ours to look into."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return b"".join(iter(lambda: os.read(fd, 1 << 14), b""))
    except OSError:
        return b""
    finally:
        os.close(fd)


def walk(roots: Iterable[int]) -> list[Process]:
    """These processes and every process below them, parents before their children.

    Processes come and go meanwhile: one that is born or orphaned during the walk may be missing.
    """
    children_of = _listed if LISTED else _scanned()
    found: dict[int, Process] = {}
    pending = list(roots)
    for pid in pending:  # grows while it is walked
        if pid not in found and (stat := read(f"/proc/{pid}/stat")):
            found[pid] = Process(pid, stat)
            pending.extend(children_of(pid))
    return list(found.values())


def children() -> set[int]:
    """Pids of this process's own children, the dead that were not waited for included."""
    children_of = _listed if LISTED else _scanned()
    return set(children_of(os.getpid()))


def terminate(processes: Iterable[Process]) -> None:
    """Sends TERM, once, to each process."""
    for process in processes:
        _send(os.kill, process.pid, signal.SIGTERM)


def kill(processes: Collection[Process]) -> None:
    """Sends KILL to each process, and first to their process groups.

    The kernel kills a group in one step, which no member can outrun by forking. Nobody outside of the tree is in one
    of them, since all began in it; but for the group of this process itself, which is left out.
    """
    for group in {process.group for process in processes} - {os.getpgrp()}:
        if group > 1:  # -1: it is just being reaped; 0 and 1 would mean ourselves, and everybody
            signal_group(group, signal.SIGKILL)
    for process in processes:
        _send(os.kill, process.pid, signal.SIGKILL)


def signal_group(group: int, number: int) -> None:
    """Sends a signal to a process group: on systems that show no processes it is all that can be reached."""
    _send(os.killpg, group, number)


def _send(to: Callable[[int, int], None], whom: int, number: int) -> None:
    """Who is gone, or belongs to another user, is passed over."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        to(whom, number)


def _listed(pid: int) -> list[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [int(child) for thread in threads for child in read(f"/proc/{pid}/task/{thread}/children").split()]


def _scanned() -> Callable[[int], list[int]]:
    by_parent: dict[int, list[int]] = defaultdict(list)
    for name in os.listdir("/proc") if VISIBLE else ():
        if name.isdecimal() and (stat := read(f"/proc/{name}/stat")):
            process = Process(int(name), stat)
            by_parent[process.parent].append(process.pid)
    return by_parent.__getitem__
