"""A thousand shards on each executor, against the engine's own tasks: `python benchmarks/scale.py executors [shards]`.

Each shard is a command that sleeps 50 ms and copies its row. "Its own" is a program without taximeter that has the same
engine run `subprocess.run` of the same command as often, two at a time. Both are timed as whole programs, from their
start to their end, the start of a cluster included, and less that start (the same with two shards).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

COMMAND = "sleep 0.05; cp {} {}"
RECIPE = {"name": "scale", "instrumentation": {"enabled": True}, "input": {"rows": "rows.jsonl"}}

OWN = {
    "local": """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    list(pool.map(run, range(count)))
""",
    "dask": """
from distributed import Client, LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
        with Client(cluster) as client:
            client.gather(client.map(run, range(count), pure=False))
""",
    "ray": """
import ray
ray.init(num_cpus=2, include_dashboard=False)
task = ray.remote(num_cpus=1)(run)
ray.get([task.remote(number) for number in range(count)])
""",
}
HEAD = """
import subprocess, sys
count = int(sys.argv[1])
def run(number):
    subprocess.run(["sh", "-c", "{COMMAND}".format("row.jsonl", f"made/{number}")], check=True, cwd="{FOLDER}")
"""


def own(engine: str, shards: int, folder: Path) -> float:
    (folder / "made").mkdir(exist_ok=True)
    (folder / "row.jsonl").write_text('{"n": 0}\n')
    program = folder / f"{engine}_own.py"
    program.write_text(HEAD.replace("{COMMAND}", COMMAND).replace("{FOLDER}", str(folder)) + OWN[engine])
    return timed([sys.executable, str(program), str(shards)], folder)


def ours(engine: str, shards: int, folder: Path) -> float:
    (folder / "rows.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(shards)))
    stage = {
        "id": "copy",
        "run": ["sh", "-c", COMMAND.format("{inputs.rows}", "{out}")],
        "inputs": {"rows": "rows.jsonl"},
        "shards": shards,
        "out": "artifact.jsonl",
    }
    (folder / "recipe.yaml").write_text(json.dumps(RECIPE | {"stages": [stage]}))
    where = [] if engine == "local" else ["--executor", engine]
    return timed([sys.executable, "-m", "taximeter", "run", "recipe.yaml", "--jobs", "2", *where], folder)


def timed(command: list[str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    shards = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    print(f"{shards:,} shards of 50 ms, two at a time: seconds, {rounds} turns")
    print(f"{'':8} {'its own':>8} {'ours':>8} {'ratio':>6}   less the start: {'its own':>8} {'ours':>8} {'ratio':>6}")
    for engine in OWN:
        if engine != "local" and find_spec({"dask": "distributed"}.get(engine, engine)) is None:
            print(f"{engine:8} is not installed")
            continue
        whole: dict[str, list[float]] = {"own": [], "ours": []}
        start: dict[str, list[float]] = {"own": [], "ours": []}
        for _ in range(rounds):
            for name, run in (("own", own), ("ours", ours)):
                with tempfile.TemporaryDirectory() as folder:
                    start[name].append(run(engine, 2, Path(folder)))
                with tempfile.TemporaryDirectory() as folder:
                    whole[name].append(run(engine, shards, Path(folder)))
        a, b = (statistics.median(whole[name]) for name in ("own", "ours"))
        c, d = (a - statistics.median(start["own"]), b - statistics.median(start["ours"]))
        print(f"{engine:8} {a:8.2f} {b:8.2f} {b / a:6.2f}   {'':15} {c:8.2f} {d:8.2f} {d / c:6.2f}", flush=True)


if __name__ == "__main__":
    main()
