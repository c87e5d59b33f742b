"""What a driver adds to stages that do nothing: taximeter, bare subprocess.run, GNU make, doit and Snakemake.

    python benchmarks/driver.py [rounds]

Each runs 100 stages of `true`, one after the other, as one command from its start to its end. They take turns, so that
a noisy machine disturbs all alike; medians are printed, and ratios. doit and Snakemake are installed into an
environment of their own, which is made anew. Then: a recipe of 5,000 stages, planned and run, and the memory it takes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environments import VARIABLES, python_with

STAGES, MANY = 100, 5000
PEERS = ("doit==0.37.0", "snakemake==9.27.1")
BARE = "import subprocess\nfor _ in range({}): subprocess.run(['true'], check=True)\n"
RULE = "rule s{0}:\n    output: touch('done/{0}')\n    shell: 'true'\n"
METERED_RULE = RULE.replace("    shell", "    benchmark: 'bench/{0}.tsv'\n    shell")
"""Snakemake's own metering: wall, CPU, memory and I/O of each rule."""

NOT_METERED, METERED = "Snakemake", "Snakemake, benchmark:"
COUNTERPARTS = {"taximeter, metered": METERED, METERED: METERED}
"""What each is a part of; all others of Snakemake as it is, which meters nothing."""


def recipe(path: Path, stages: int, metered: bool) -> Path:
    """A recipe of stages that do nothing, each after the one before it."""
    chain = [{"id": f"s{i}", "run": ["true"], "needs": [f"s{i - 1}"] if i else []} for i in range(stages)]
    path.write_text(json.dumps({"name": path.stem, "instrumentation": {"enabled": metered}, "stages": chain}))
    return path


def commands(folder: Path, peers: Path, stages: int) -> dict[str, list[str | Path]]:
    """What runs so many stages, by name, in the folder."""
    folder.mkdir()
    numbers = range(stages)
    (folder / "bare.py").write_text(BARE.format(stages))
    targets = " ".join(f"s{i}" for i in numbers)
    (folder / "Makefile").write_text(f".PHONY: all {targets}\nall: {targets}\n{targets}:\n\t@true\n")
    (folder / "dodo.py").write_text(
        f"def task_s():\n    for i in range({stages}):\n        yield {{'name': str(i), 'actions': [['true']]}}\n"
    )
    wanted = f"rule all:\n    input: [f'done/{{i}}' for i in range({stages})]\n"
    (folder / "Snakefile").write_text(wanted + "".join(map(RULE.format, numbers)))
    (folder / "Metered").write_text(wanted + "".join(map(METERED_RULE.format, numbers)))
    snakemake = [peers / "snakemake", "--cores", "1", "--quiet", "all", "--forceall", "--snakefile"]
    run: list[str | Path] = [sys.executable, "-m", "taximeter", "run"]
    return {
        "bare subprocess.run": [sys.executable, "bare.py"],
        "GNU make": ["make", "--silent"],
        "doit": [peers / "doit", "--verbosity", "0"],
        NOT_METERED: [*snakemake, "Snakefile"],
        METERED: [*snakemake, "Metered"],
        "taximeter, not metered": [*run, recipe(folder / "plain.json", stages, False)],
        "taximeter, metered": [*run, recipe(folder / "metered.json", stages, True)],
    }


def seconds(command: list[str | Path], folder: Path) -> float:
    """How long the command takes, from its start to its end."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=VARIABLES, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def measured(command: list[str | Path], folder: Path) -> tuple[float, float]:
    """Seconds that the command takes, and megabytes of its own largest process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=VARIABLES, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.perf_counter() - began, used.ru_maxrss / 1024


def compare(folder: Path, rounds: int) -> None:
    """Prints the table: whole commands, and what each stage more costs when the command has begun."""
    peers = python_with(folder / "peers", *PEERS).parent
    names = list(commands(folder / "names", peers, 1))
    times: dict[tuple[int, str], list[float]] = {}
    for turn in range(rounds + 1):  # the first one only warms up
        for stages in (1, STAGES):
            for number, name in enumerate(names):
                # A folder of its own, and nothing removed before the end: ext4 takes long to make files where some were
                # removed just now.
                place = folder / f"{stages}-{number}-{turn}"
                spent = seconds(commands(place, peers, stages)[name], place)
                if turn:
                    times.setdefault((stages, name), []).append(spent)
    whole = {name: 1000 * statistics.median(times[STAGES, name]) / STAGES for name in names}
    start = {name: statistics.median(times[1, name]) for name in names}
    more = {name: (STAGES * whole[name] - 1000 * start[name]) / (STAGES - 1) for name in names}
    print(f"{STAGES} stages of `true`: milliseconds a stage, {rounds} rounds")
    print(f"{'':<24} {'command of one':>15} {'whole, a stage':>15} {'above bare':>11} {'of Snakemake':>13}", end="")
    print(f" {'each more':>10} {'above bare':>11} {'of Snakemake':>13}")
    for name in whole:
        print(f"{name:<24} {1000 * start[name]:>12.0f} ms", end="")
        counterpart = COUNTERPARTS.get(name, NOT_METERED)
        for figures, width in ((whole, 15), (more, 10)):
            above, share = figures[name] - figures["bare subprocess.run"], figures[name] / figures[counterpart]
            print(f" {figures[name]:>{width}.2f} {above:>11.2f} {share:>13.1%}", end="")
        print()


def scale(folder: Path) -> None:
    """Prints what many stages take, planned and run."""
    print(f"{'metered, one command each':<32} {'seconds':>10} {'memory':>10}")
    for stages in (STAGES, MANY):
        path = recipe(folder / f"many{stages}.json", stages, True)
        run: list[str | Path] = [sys.executable, "-m", "taximeter", "run", path, "--run-id", f"many{stages}"]
        for what, command in (("planned", [*run, "--dump-plan"]), ("run", run)):
            took, megabytes = measured(command, folder)
            print(f"{stages:>6} stages {what:<18} {took:10.2f} {megabytes:7.0f} MB")


def main(rounds: int) -> None:
    """Prints both tables."""
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), rounds)
        scale(Path(name))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
