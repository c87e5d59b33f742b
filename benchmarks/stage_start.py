"""What it costs to start and end a stage: `true` by bare subprocess.run, launched unmetered, launched metered.

    python benchmarks/stage_start.py [rounds]

The three take turns, so that a noisy machine disturbs all alike; medians are printed, and ratios to the first.
"""

from __future__ import annotations

import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from taximeter.run.launcher import Forkserver
from taximeter.run.messages import Done, Launch, Lost


def launch(forkserver: Forkserver, task: Launch) -> None:
    """Runs the task and waits for its figures."""
    handle = forkserver.launch(task)
    while not any(isinstance(message, Done | Lost) for message in handle.read()):
        select.select([handle], [], [])
    handle.close()


def seconds(action: Callable[[], object]) -> float:
    """How long the action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main(rounds: int) -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        log, usage = Path(folder, "log.txt"), Path(folder, "usage.json")
        unmetered = Launch(argv=["true"], env=dict(os.environ), cwd=folder, log_path=str(log))
        metered = Launch(argv=["true"], env=dict(os.environ), cwd=folder, log_path=str(log), usage_path=str(usage))
        forkserver = Forkserver.start()
        actions: dict[str, Callable[[], object]] = {
            "subprocess.run": partial(subprocess.run, ["true"], check=True),
            "launched, unmetered": partial(launch, forkserver, unmetered),
            "launched, metered": partial(launch, forkserver, metered),
        }
        for action in actions.values():
            action()
        times: dict[str, list[float]] = {name: [] for name in actions}
        for _ in range(rounds):
            for name, action in actions.items():
                times[name].append(seconds(action))
        forkserver.close()
    bare = statistics.median(times["subprocess.run"])
    for name, spent in times.items():
        median = statistics.median(spent)
        print(f"{name:<20} {median * 1000:6.2f} ms  {median / bare:5.2f} x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
