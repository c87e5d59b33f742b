"""A driver, forkserver, supervisor or stage that is killed at a random moment: nothing is left, lost or doubled."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from taximeter.journal.reader import RESERVED, LineReader
from taximeter.report.build import build
from taximeter.report.records import RunInstrumentation
from taximeter.report.runs import find_run
from taximeter.run import proctree
from taximeter.rundir import OutputDir, RunDir
from tests.stages import MARK, marked, wait_until

VICTIMS = ("driver", "forkserver", "supervisor", "stage")
CALLS = """
import os, time, taximeter
acks = os.open("acks", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
end = time.monotonic() + 0.3
while time.monotonic() < end:
    call = os.urandom(8).hex()
    taximeter.log_llm_usage("gpt-5", 10, 1, request_id=call)
    os.write(acks, call.encode() + b"\\n")
    time.sleep(0.002)
"""


def start(folder: Path, *flags: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "taximeter", "run", "recipe.yaml", "--run-id", "r", "--jobs", "2", *flags]
    return subprocess.Popen(
        command, cwd=folder, env=os.environ | {MARK: folder.name}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def victim(driver: int, kind: str) -> int | None:
    """Pid of such a process of the run, if there is one now."""
    if kind == "driver":
        return driver
    depth = {driver: 0}
    for process in proctree.walk([driver])[1:]:
        if process.parent in depth:  # else it is just being reaped: the kernel says 0 then
            depth[process.pid] = depth[process.parent] + 1
    forkserver = [pid for pid in depth if b"taximeter.run.forkserver" in proctree.read(f"/proc/{pid}/cmdline")]
    level = VICTIMS.index(kind)
    below = {process.pid for process in proctree.walk(forkserver[:1])}
    return next((pid for pid in below if depth.get(pid) == level), None)


def one_round(folder: Path, seed: int) -> tuple[str, str]:
    """Who was to be killed, and how the run stood then: `lost` if its driver died, `none` if it had not begun."""
    choice = random.Random(seed)
    folder.mkdir()
    stages: list[dict[str, object]] = [{"id": name, "run": [sys.executable, "calls.py"]} for name in "ab"]
    if choice.random() < 0.5:
        (folder / "rows.jsonl").write_text("{}\n{}\n")
        command = [sys.executable, "calls.py", "{inputs.rows}"]
        stages[0] |= {"run": command, "inputs": {"rows": "rows.jsonl"}, "shards": 2}
    instrumentation = {"enabled": True, "include_calls": True}
    (folder / "recipe.yaml").write_text(json.dumps({"name": "r", "instrumentation": instrumentation, "stages": stages}))
    (folder / "calls.py").write_text(CALLS)
    kind = choice.choice(VICTIMS)
    with start(folder) as driver:
        if kind != "driver":
            wait_until(lambda: driver.poll() is not None or victim(driver.pid, kind))
        elif choice.random() < 0.7:  # else it has hardly come to read the recipe
            wait_until((folder / "output/runs/r").exists)
        time.sleep(choice.uniform(0.0, 0.6))
        pid = victim(driver.pid, kind)
        if pid is not None and driver.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself since
                os.kill(pid, signal.SIGKILL)
        driver.wait(60)
    assert wait_until(lambda: not marked(folder.name)), f"{kind}: {marked(folder.name)} left"
    found = check(folder)
    if choice.random() < 0.2:
        with start(folder, "--skip-done") as again:
            assert again.wait(60) == 0
        report = check(folder)
        assert report is not None
        assert report.status == "done"
    return kind, found.status if found else "none"


def check(folder: Path) -> RunInstrumentation | None:
    """Every file parses, and the calls that were acknowledged are in the report, each once."""
    for path in folder.rglob("output/**/*.json"):
        json.loads(path.read_bytes())
    for path in [*folder.rglob("output/**/*.jsonl"), *folder.rglob("output/**/*.jsonl.open")]:
        for line in LineReader(path, end=RESERVED).lines():
            json.loads(line.data)
    acks = folder / "acks"
    acknowledged = acks.read_text().split() if acks.exists() else []
    run = RunDir(folder / "output/runs/r")
    if not run.path.exists():
        assert not acknowledged
        return None
    report = build(find_run("r", OutputDir(folder / "output")))
    assert report.status in {"done", "failed", "lost"}
    told = Counter(call.request_id for stage in report.stages for call in stage.llm_calls)
    assert set(told.values()) <= {1}
    assert set(acknowledged) <= told.keys()
    assert report.totals.calls == len(told)
    for stage in report.stages:
        assert not stage.shards or sum(shard.llm_totals.calls for shard in stage.shards) == stage.llm_totals.calls
    return report


@pytest.mark.parametrize("seed", range(2))
def test_whoever_is_killed_nothing_is_left_lost_or_doubled(tmp_path: Path, seed: int) -> None:
    one_round(tmp_path / uuid.uuid4().hex, seed)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_50_random_kills_leave_no_process_no_broken_file_and_no_lost_or_doubled_call(tmp_path: Path) -> None:
    seeds = [random.randrange(2**32) for _ in range(50)]
    print("seeds:", seeds)
    with ThreadPoolExecutor(4) as rounds:
        ends = Counter(rounds.map(lambda seed: one_round(tmp_path / uuid.uuid4().hex, seed), seeds))
    print(ends)
    assert {"lost", "failed"} <= {status for _, status in ends}  # else nobody was killed in time


def test_a_driver_that_hears_at_once_of_a_dead_forkserver_and_of_ended_stages_ends_its_run(tmp_path: Path) -> None:
    folder = tmp_path / uuid.uuid4().hex
    folder.mkdir()
    stages = [{"id": name, "run": f"touch {name}; until [ -e go ]; do sleep 0.05; done"} for name in "ab"]
    (folder / "recipe.yaml").write_text(json.dumps({"name": "r", "stages": stages}))
    with start(folder) as driver:
        assert wait_until(lambda: (folder / "a").exists() and (folder / "b").exists())
        forkserver = victim(driver.pid, "forkserver")
        assert forkserver is not None
        driver.send_signal(signal.SIGSTOP)
        os.kill(forkserver, signal.SIGKILL)
        (folder / "go").touch()
        gone = wait_until(lambda: marked(folder.name) <= {driver.pid, forkserver})
        driver.send_signal(signal.SIGCONT)
        assert gone
        assert driver.wait(60) == 1
    report = check(folder)
    assert report is not None
    assert (report.status, report.error) == ("failed", "the forkserver died")
