"""What a Python process pays at its start for having its calls captured, in CPU time.

    python benchmarks/startup.py [rounds]

The program does nothing, or imports an SDK. With and without take turns; medians are printed, and what is added.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from taximeter.run.environment import capturing

PROGRAMS = {
    "nothing": "pass",
    "a handful of the standard library": "import json, pathlib, typing",
    "openai": "import openai",
}
BARE = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}


def cpu_ms(code: str, environment: dict[str, str]) -> float:
    """Milliseconds of CPU of one process that runs the code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as folder:
        captured = capturing(BARE, "auto", Path(folder) / "marks")
        print(f"{'program':<36}{'bare':>10}{'captured':>10}{'added':>10}")
        for name, code in PROGRAMS.items():
            turns = [(cpu_ms(code, BARE), cpu_ms(code, captured)) for _ in range(rounds)]
            bare, ours = (statistics.median(side) for side in zip(*turns, strict=True))
            print(f"{name:<36}{bare:>7.2f} ms{ours:>7.2f} ms{ours - bare:>7.2f} ms")


if __name__ == "__main__":
    main()
