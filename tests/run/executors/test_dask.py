"""Stages on a Dask cluster of two worker processes, as a person runs them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from threading import Thread

import pytest
from distributed import Client

from taximeter.report.build import build
from taximeter.run.begin import run_recipe
from taximeter.run.observer import Unwatched
from taximeter.run.options import RunOptions
from taximeter.run.remote import home
from taximeter.rundir import RunDir
from tests.run.pipelines import CALL_AND_HANG, TAXIMETER, UPPER, here, recipe, taximeter
from tests.stages import marked, wait_until

__all__ = ["here"]  # a fixture
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
WORKERS = 2


@contextmanager
def started(workers: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Address and process of a cluster of so many worker processes, each with a nanny."""
    command = [sys.executable, "-m", "taximeter.run.executors.dask_cluster", str(workers), "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().decode().strip(), process
        process.communicate()


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Address of a cluster of two workers."""
    with started(WORKERS) as (address, _):
        yield address


def pids(address: str) -> dict[str, int]:
    """The worker processes, by address."""
    with Client(address, set_as_default=False) as client:
        return dict(client.run(os.getpid))


def run(cluster: str, name: str, *more: str, code: int = 0) -> RunDir:
    taximeter("run", "recipe.yaml", "--run-id", name, "--executor", "dask", "--address", cluster, *more, code=code)
    return RunDir(Path("output/runs") / name)


def start(cluster: str, *more: str) -> subprocess.Popen[str]:
    """A run that goes on beside the test; its stages know the folder and leave their pids there."""
    command = [*TAXIMETER, "run", "recipe.yaml", "--run-id", "r", "--executor", "dask", "--address", cluster, *more]
    return subprocess.Popen(
        command, env=os.environ | {"HERE": str(Path.cwd())}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_the_demo_makes_the_same_artifacts_calls_and_costs_as_on_this_machine(here: Path, cluster: str) -> None:
    demo = ROOT / "examples/demo"
    reports = {}
    for name, flags in {"local": [], "dask": ["--executor", "dask", "--address", cluster]}.items():
        taximeter("run", str(demo / "recipe.yaml"), "--mock", "--instrument", "--run-id", name, *flags)
        reports[name] = json.loads(Path(f"output/runs/{name}/instrumentation.json").read_text(), parse_float=Decimal)
    one, other = reports["local"], reports["dask"]
    assert one["totals"]["calls"] > 0
    assert one["totals"] == other["totals"]
    for a, b in zip(one["stages"], other["stages"], strict=True):
        assert (a["id"], a["status"], a["llm_totals"], a["items_out"]) == (
            b["id"],
            b["status"],
            b["llm_totals"],
            b["items_out"],
        )
        for made in (a["artifact"],):
            left, right = (Path("output/runs", name, made).read_text() for name in reports)
            assert without_what_differs(left) == without_what_differs(right)


def without_what_differs(text: str) -> str:
    """Rows without the run's name and moment."""
    return re.sub(r'"(run_id|created_at)": ?"[^"]*"', "", text)


def test_shards_run_on_all_workers_and_make_what_they_make_on_this_machine(here: Path, cluster: str) -> None:
    (here / "rows.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(1, 10)))
    (here / "upper.py").write_text(UPPER)
    command = ["{python}", "upper.py", "{inputs.rows}", "{out}"]
    recipe([{"id": "a", "run": command, "inputs": {"rows": "rows.jsonl"}, "shards": 4, "retries": {"count": 1}}])
    local = RunDir(here / "output/runs/local")
    taximeter("run", "recipe.yaml", "--run-id", "local")
    dask = run(cluster, "dask")
    one, other = (build(found).stages[0] for found in (local, dask))
    assert (one.llm_totals.calls, one.llm_totals.cost) == (11, Decimal("0.1905"))  # two rows were read twice
    assert one.llm_totals == other.llm_totals
    assert [shard.llm_totals for shard in one.shards] == [shard.llm_totals for shard in other.shards]
    assert [[t.status for t in shard.attempts] for shard in other.shards] == [
        ["done"],
        ["done"],
        ["failed", "done"],
        ["done"],
    ]
    made = [(found.path / "01_a/artifact.jsonl").read_text() for found in (local, dask)]
    assert made[0] == made[1]
    assert made[0].count("\n") == 9


@pytest.mark.usefixtures("here")
def test_stages_run_at_the_same_time_on_both_workers(cluster: str) -> None:
    recipe([{"id": name, "run": "echo $PPID > {out}; sleep 1", "out": "pid"} for name in "ab"])
    report = build(run(cluster, "r"))
    a, b = (stage.attempts[0] for stage in report.stages)
    assert report.status == "done"
    assert a.started_at < b.ended_at
    assert b.started_at < a.ended_at


@pytest.mark.usefixtures("here")
def test_a_failed_stage_is_tried_again_and_one_that_takes_too_long_is_ended_whole(cluster: str) -> None:
    again = "{python} calls.py 1; echo $TAXIMETER_ATTEMPT; [ $TAXIMETER_ATTEMPT = 2 ]"
    slow = "echo mark; sleep 600 & sleep 600 & wait"
    recipe(
        [
            {"id": "a", "run": again, "retries": {"count": 2}},
            {"id": "b", "run": slow, "timeout": "500ms", "env": {"MARKED": "of-the-dask-test"}},
        ]
    )
    found = run(cluster, "r", "--keep-going", code=1)
    a, b = build(found).stages
    assert [(t.attempt, t.status, t.exit_code) for t in a.attempts] == [(1, "failed", 1), (2, "done", 0)]
    assert (a.llm_totals.calls, a.llm_totals.cost) == (2, Decimal("0.009"))
    assert [(found.path / f"01_a/log.{n}.txt").read_text().split()[-1] for n in (1, 2)] == ["1", "2"]
    assert b.attempts[0].error == "it took longer than its timeout of 0.50 s"
    assert wait_until(lambda: not marked("MARKED=of-the-dask-test"))


def test_a_worker_that_is_killed_loses_its_attempt_and_what_it_spent_counts_once(here: Path, cluster: str) -> None:
    (here / "hang.py").write_text(CALL_AND_HANG)
    recipe(
        [{"id": "a", "run": "{python} hang.py", "retries": {"count": 1}}, {"id": "b", "run": "true", "needs": ["a"]}]
    )
    with start(cluster) as driver:
        assert wait_until((here / "1").exists)
        sink = RunDir(here / "output/runs/r")
        assert wait_until(lambda: any(b"big" in path.read_bytes() for path in sink.journals()))  # it has come home
        stage = int((here / "1").read_text())
        os.kill(worker_of(stage, cluster), signal.SIGKILL)
        assert driver.wait(120) == 0, driver.communicate()
    report = build(sink)
    stage_a = report.stages[0]
    assert [(t.attempt, t.status) for t in stage_a.attempts] == [(1, "lost"), (2, "done")]
    assert "worker" in (stage_a.attempts[0].error or "")
    assert (stage_a.llm_totals.calls, stage_a.llm_totals.cost) == (2, Decimal("0.009"))
    assert sorted(path.name for path in here.iterdir() if path.name.isdecimal()) == ["1", "2"]  # none was begun twice
    assert wait_until(lambda: not Path(f"/proc/{stage}").exists())
    assert wait_until(lambda: len(pids(cluster)) == WORKERS)


def worker_of(pid: int, cluster: str) -> int:
    """The worker process above a stage."""
    known = set(pids(cluster).values())
    while pid not in known:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        assert pid > 1
    return pid


def test_a_worker_that_falls_silent_loses_its_attempt_and_has_it_killed_when_it_wakes(
    here: Path, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "SILENCE", 3.0)
    monkeypatch.setenv("HERE", str(here))
    (here / "hang.py").write_text(CALL_AND_HANG)
    recipe([{"id": "a", "run": "{python} hang.py", "retries": {"count": 1}}])
    workers: list[int] = []

    def silence() -> None:
        assert wait_until((here / "1").exists)
        workers.append(worker_of(int((here / "1").read_text()), cluster))
        os.kill(workers[0], signal.SIGSTOP)

    silencer = Thread(target=silence)
    silencer.start()
    try:
        options = RunOptions(recipe=Path("recipe.yaml"), executor="dask", address=cluster)
        outcome = run_recipe(options, Unwatched)
    finally:
        silencer.join()
        os.kill(workers[0], signal.SIGCONT)
    attempts = build(outcome.run).stages[0].attempts
    assert [(t.status, t.error) for t in attempts] == [
        ("lost", "its worker has not been heard of any more"),
        ("done", None),
    ]
    stage = Path("/proc", (here / "1").read_text())
    assert wait_until(lambda: not stage.exists())


def test_a_signal_to_the_driver_ends_the_stages_of_the_cluster(here: Path, cluster: str) -> None:
    (here / "hang.py").write_text(CALL_AND_HANG)
    recipe([{"id": "a", "run": "{python} hang.py"}])
    with start(cluster) as driver:
        assert wait_until((here / "1").exists)
        driver.send_signal(signal.SIGINT)
        assert driver.wait(60) == 130, driver.communicate()
    report = build(RunDir(here / "output/runs/r"))
    assert [(t.status, t.signal) for t in report.stages[0].attempts] == [("cancelled", 15)]
    assert (report.stages[0].llm_totals.calls, report.status) == (1, "cancelled")


def test_when_the_driver_is_killed_nothing_of_it_stays(here: Path, cluster: str) -> None:
    (here / "hang.py").write_text(CALL_AND_HANG)
    recipe([{"id": "a", "run": "{python} hang.py"}])
    with start(cluster) as driver:
        assert wait_until((here / "1").exists)
        stage = Path("/proc", (here / "1").read_text())
        driver.kill()
    assert wait_until(lambda: not stage.exists(), 10)


@pytest.mark.usefixtures("here")
def test_a_task_of_another_life_or_that_was_begun_before_is_not_begun(cluster: str) -> None:
    from taximeter.run.executor import Key
    from taximeter.run.executors import dask_worker

    with Client(cluster, set_as_default=False) as client:
        where = [next(iter(client.scheduler_info()["workers"]))]
        (known,) = client.run(dask_worker.hello, "d", "letters", workers=where).values()
        key = Key("a", None, 1)
        for life in ("another", known.life, known.life):
            client.submit(dask_worker.perform, "d", life, key, "0", b"", workers=where, pure=False).result()
        (answer,) = client.run(dask_worker.fetch, "d", 0, workers=where).values()
        assert [k for k, _ in answer[1]] == [key]  # refused, once
        assert wait_until(lambda: len(client.get_events("letters")) == 1)
        client.run(dask_worker.goodbye, "d")


@pytest.mark.usefixtures("here")
def test_a_cluster_is_started_here_and_nothing_of_it_is_left() -> None:
    recipe([{"id": "a", "run": "echo $0", "env": {"MARKED": "x"}}])
    taximeter("run", "recipe.yaml", "--executor", "dask", "--jobs", "1", CLUSTER_OF="this-test")
    assert wait_until(lambda: not marked("CLUSTER_OF=this-test"))


def test_when_the_scheduler_is_killed_the_run_fails_and_nothing_is_left(here: Path) -> None:
    (here / "hang.py").write_text(CALL_AND_HANG)
    recipe([{"id": "a", "run": "{python} hang.py", "retries": {"count": 1}}])
    with started(1) as (address, process), start(address) as driver:
        assert wait_until((here / "1").exists)
        stage = Path("/proc", (here / "1").read_text())
        process.kill()
        assert driver.wait(60) == 1, driver.communicate()
    report = build(RunDir(here / "output/runs/r"))
    assert (report.status, report.error) == ("failed", f"the Dask scheduler at {address} is gone")
    assert [t.status for t in report.stages[0].attempts] == ["lost"]
    assert wait_until(lambda: not stage.exists())


@pytest.mark.usefixtures("here")
def test_a_cluster_without_workers_is_refused() -> None:
    recipe([{"id": "a", "run": "true"}])
    with started(0) as (address, _):
        done = taximeter("run", "recipe.yaml", "--executor", "dask", "--address", address, code=2)
    assert f"the cluster at {address} has no workers" in done.stderr
    assert f"start one: dask worker {address}" in " ".join(done.stderr.split())


@pytest.mark.usefixtures("here")
def test_an_address_where_nobody_is_and_a_cluster_of_another_version_are_refused(cluster: str, tmp_path: Path) -> None:
    recipe([{"id": "a", "run": "true"}])
    nobody = taximeter("run", "recipe.yaml", "--executor", "dask", "--address", "tcp://127.0.0.1:1", code=2)
    assert "--address tcp://127.0.0.1:1: no Dask scheduler answers" in nobody.stderr
    nonsense = taximeter("run", "recipe.yaml", "--executor", "dask", "--address", "nonsense://x", code=2)
    assert "no Dask scheduler answers: unknown address scheme" in " ".join(nonsense.stderr.split())
    proxy = taximeter("run", "recipe.yaml", "--executor", "dask", "--address", cluster, "--capture", "proxy", code=2)
    said = "the proxy listens on this machine alone, and the stages run elsewhere"
    assert said in " ".join(proxy.stderr.split())
    other = tmp_path / "other.py"
    other.write_text(
        "import sys, taximeter\ntaximeter.__version__ = '99.0'\n"
        "from taximeter.cli.main import main\nsys.argv[0] = 'taximeter'\nmain()\n"
    )
    command = [sys.executable, str(other), "run", "recipe.yaml", "--executor", "dask", "--address", cluster]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "and this is 99.0" in done.stderr
    assert not Path("output").exists()
