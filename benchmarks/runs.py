"""What it takes to list the runs of a folder: `taximeter runs` as a command, from its start to its end.

python benchmarks/runs.py [RUNS]
"""

import resource
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

from taximeter.clock import iso
from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine, RunTotals
from taximeter.rundir import OutputDir

BEGIN, LASTS = 1_767_225_600, 50
TOTALS = RunTotals(True, False, 50.0, 3.0, 100, 10_000, 2_000, Decimal("1.25"), "priced")
ROUNDS = 5


def write(output: OutputDir, runs: int) -> None:
    for number in range(runs):
        run_id, start = f"nightly-{number:05d}", BEGIN + 60 * number
        (output.runs / run_id).mkdir(parents=True)
        manifest.append(output, ManifestLine(run_id, "nightly", iso(start), iso(start), status="running"))
        manifest.append(output, ManifestLine(run_id, ended_at=iso(start + LASTS), status="done", totals=TOTALS))


def cpu_seconds(*arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "taximeter", *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(OutputDir(Path(folder)), runs)
        print(f"{runs:,} runs | CPU, best of {ROUNDS}\n--|--:")
        for options in ([], ["-n", "20"], ["--json"]):
            best = min(cpu_seconds("runs", "--output-dir", folder, *options) for _ in range(ROUNDS))
            print(f"`{' '.join(['taximeter runs', *options])}` | {best:.2f} s")
        print(f"`taximeter --help` | {min(cpu_seconds('--help') for _ in range(ROUNDS)):.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
