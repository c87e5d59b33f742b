"""Stages on Ray, as a person runs them: in a network of its own with nothing but loopback, for Ray listens to all."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from taximeter.errors import SetupError
from taximeter.report.build import build
from taximeter.run.executors.choose import connect
from taximeter.rundir import RunDir
from tests.run.pipelines import CALL_AND_HANG, TAXIMETER, UPPER, here, recipe
from tests.stages import marked, wait_until

__all__ = ["here"]  # a fixture
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
ENVIRONMENT = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONWARNINGS": "ignore"}
CALL_HANG_AND_FORK = "setsid sleep 600 & {python} hang.py"


@pytest.fixture(scope="module")
def inside() -> Iterator[list[str]]:
    """What a command begins with that is to be run in the network."""
    if os.geteuid() or not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        pytest.skip("a network of its own needs root, and: apt-get install util-linux iproute2")
    up = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"]
    with subprocess.Popen(up, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"up\n"
        yield ["nsenter", "--net", "--target", str(holder.pid)]
        holder.communicate()


@pytest.fixture
def address(inside: list[str]) -> Iterator[str]:
    """Of a cluster of two nodes."""
    command = [*inside, sys.executable, str(Path(__file__).with_name("ray_nodes.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT) as nodes:
        assert nodes.stdout is not None
        yield nodes.stdout.readline().decode().strip()
        nodes.communicate()


def start(inside: list[str], *arguments: str) -> subprocess.Popen[str]:
    """A run that goes on beside the test; its stages leave their pids in the folder that they know."""
    return subprocess.Popen(
        [*inside, *TAXIMETER, "run", *arguments],
        env=ENVIRONMENT | {"HERE": str(Path.cwd())},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(inside: list[str], *arguments: str, code: int = 0) -> str:
    with start(inside, *arguments) as driver:
        said, _ = driver.communicate(timeout=200)
    assert driver.returncode == code, said
    return said


def ancestor(pid: int, name: str) -> int:
    """The nearest process above that runs a program of this name."""
    while pid > 1:
        stat = Path(f"/proc/{pid}/stat").read_text()
        if f"({name})" in stat:
            return pid
        pid = int(stat.rpartition(")")[2].split()[1])
    raise AssertionError(f"no {name}")


def call_has_come_home(found: RunDir) -> bool:
    return any(b'"call_v1"' in path.read_bytes() for path in found.journals())


def without_what_differs(text: str) -> str:
    """Rows without the run's name and moment."""
    return re.sub(r'"(run_id|created_at)": ?"[^"]*"', "", text)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("files", [(), ("--files", "file://{here}/files")], ids=["shared", "by URL"])
def test_the_demo_makes_the_same_artifacts_calls_and_costs_as_on_this_machine(
    inside: list[str], address: str, files: tuple[str, ...], tmp_path: Path
) -> None:
    demo = str(ROOT / "examples/demo/recipe.yaml")
    by_url = [word.format(here=tmp_path) for word in files]
    reports = {}
    for name, flags in {"local": [], "ray": ["--executor", "ray", "--address", address, *by_url]}.items():
        run(inside, demo, "--mock", "--instrument", "--strict", "--run-id", name, *flags)
        reports[name] = json.loads(Path(f"output/runs/{name}/instrumentation.json").read_text(), parse_float=Decimal)
    one, other = reports["local"], reports["ray"]
    assert one["totals"]["calls"] > 0
    assert one["totals"] == other["totals"]
    for a, b in zip(one["stages"], other["stages"], strict=True):
        for field in ("id", "status", "llm_totals", "items_in", "items_out", "artifact"):
            assert a[field] == b[field]
        assert b["attempts"][0]["node"] == os.uname().nodename
        left, right = (Path("output/runs", name, a["artifact"]).read_text() for name in reports)
        assert without_what_differs(left) == without_what_differs(right)
    assert not [path for path in Path("files").rglob("*") if path.is_file()]


@pytest.mark.parametrize("files", [(), ("--files", "file://{here}/files")], ids=["shared", "by URL"])
def test_shards_run_on_both_nodes_and_make_what_they_make_on_this_machine(
    here: Path, inside: list[str], address: str, files: tuple[str, ...]
) -> None:
    (here / "rows.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(1, 10)))
    (here / "upper.py").write_text(UPPER)
    command = ["{python}", "upper.py", "{inputs.rows}", "{out}"]
    recipe([{"id": "a", "run": command, "inputs": {"rows": "rows.jsonl"}, "shards": 4, "retries": {"count": 1}}])
    by_url = [word.format(here=here) for word in files]
    run(inside, "recipe.yaml", "--run-id", "local")
    run(inside, "recipe.yaml", "--run-id", "ray", "--executor", "ray", "--address", address, *by_url)
    local, ray = (RunDir(here / "output/runs" / name) for name in ("local", "ray"))
    one, other = (build(found).stages[0] for found in (local, ray))
    assert (one.llm_totals.calls, one.llm_totals.cost) == (11, Decimal("0.1905"))  # two rows were read twice
    assert one.llm_totals == other.llm_totals
    assert [shard.llm_totals for shard in one.shards] == [shard.llm_totals for shard in other.shards]
    assert [[t.status for t in shard.attempts] for shard in other.shards][2] == ["failed", "done"]
    made = [(found.path / "01_a/artifact.jsonl").read_text() for found in (local, ray)]
    assert made[0] == made[1]
    assert made[0].count("\n") == 9


def test_a_node_that_is_killed_loses_its_attempt_and_what_it_spent_counts_once(
    here: Path, inside: list[str], address: str
) -> None:
    (here / "hang.py").write_text(CALL_AND_HANG)
    first = {"id": "a", "run": CALL_HANG_AND_FORK, "retries": {"count": 1}, "env": {"MARKED": "of-the-ray-test"}}
    recipe([first, {"id": "b", "run": "true", "needs": ["a"]}])
    found = RunDir(here / "output/runs/r")
    with start(inside, "recipe.yaml", "--run-id", "r", "--executor", "ray", "--address", address) as driver:
        assert wait_until((here / "1").exists)
        assert wait_until(lambda: call_has_come_home(found))
        stage = int((here / "1").read_text())
        below = marked("MARKED=of-the-ray-test")
        assert stage in below and len(below) >= 2
        os.kill(ancestor(stage, "raylet"), signal.SIGKILL)
        said, _ = driver.communicate(timeout=200)
        assert driver.returncode == 0, said
    stages = build(found).stages
    assert [(t.attempt, t.status) for t in stages[0].attempts] == [(1, "lost"), (2, "done")]
    assert "Ray gave it up" in (stages[0].attempts[0].error or "")
    assert (stages[0].llm_totals.calls, stages[0].llm_totals.cost) == (2, Decimal("0.009"))
    assert stages[1].status == "done"
    assert sorted(path.name for path in here.iterdir() if path.name.isdecimal()) == ["1", "2"]  # none was begun twice
    assert wait_until(lambda: not marked("MARKED=of-the-ray-test"))


@pytest.mark.parametrize("signals", [(signal.SIGINT,), (signal.SIGKILL,)], ids=["interrupted", "killed"])
def test_a_driver_that_ends_takes_the_whole_tree_along_and_the_cluster_that_it_started(
    here: Path, inside: list[str], signals: tuple[signal.Signals, ...]
) -> None:
    (here / "hang.py").write_text(CALL_AND_HANG)
    recipe([{"id": "a", "run": CALL_HANG_AND_FORK, "env": {"MARKED": "of-the-ray-test"}}])
    found = RunDir(here / "output/runs/r")
    with start(inside, "recipe.yaml", "--run-id", "r", "--executor", "ray") as driver:
        assert wait_until((here / "1").exists)
        assert wait_until(lambda: call_has_come_home(found))
        raylet = ancestor(int((here / "1").read_text()), "raylet")
        for number in signals:
            driver.send_signal(number)
        said, _ = driver.communicate(timeout=60)
        assert driver.returncode == (130 if signals == (signal.SIGINT,) else -signal.SIGKILL), said
    assert wait_until(lambda: not marked("MARKED=of-the-ray-test"))
    assert wait_until(lambda: not Path(f"/proc/{raylet}").exists())
    (stage,) = build(found).stages
    assert stage.status == ("cancelled" if signals == (signal.SIGINT,) else "lost")
    assert stage.llm_totals.calls == 1


@pytest.mark.usefixtures("here")
def test_a_stage_that_takes_too_long_is_ended_whole(inside: list[str]) -> None:
    slow = "sleep 600 & sleep 600 & wait"
    recipe(
        [
            {"id": "a", "run": slow, "timeout": "1500ms", "env": {"MARKED": "of-the-ray-test"}},
            {"id": "b", "run": "exit 3"},
        ]
    )
    run(inside, "recipe.yaml", "--run-id", "r", "--executor", "ray", "-j", "2", "--keep-going", code=1)
    a, b = build(RunDir(Path("output/runs/r"))).stages
    assert a.attempts[0].error == "it took longer than its timeout of 1.50 s"
    assert b.attempts[0].error == "exit code 3"
    assert not marked("MARKED=of-the-ray-test")


def test_stages_that_wait_for_a_node_are_taken_back(here: Path, inside: list[str], address: str) -> None:
    recipe([{"id": name, "run": "exec sleep 600", "env": {"MARKED": "of-the-ray-test"}} for name in "abc"])
    with start(inside, "recipe.yaml", "--run-id", "r", "-j", "3", "--executor", "ray", "--address", address) as driver:
        assert wait_until(lambda: len(marked("MARKED=of-the-ray-test")) == 2)
        driver.send_signal(signal.SIGINT)
        said, _ = driver.communicate(timeout=60)
        assert driver.returncode == 130, said
    assert not marked("MARKED=of-the-ray-test")
    stages = build(RunDir(here / "output/runs/r")).stages
    assert sorted(stage.status for stage in stages) == ["cancelled", "cancelled", "lost"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("127.0.0.1:1", "no Ray cluster answers: [Errno 111] Connection refused"),
        ("ray://127.0.0.1:1", "this is an address of Ray's client, which carries no streams"),
    ],
)
def test_an_address_where_nobody_answers_is_said(inside: list[str], address: str, told: str) -> None:
    recipe([{"id": "a", "run": "true"}])
    said = run(inside, "recipe.yaml", "--executor", "ray", "--address", address, code=2)
    assert f"--address {address}: {told}" in said and "Traceback" not in said


def test_a_process_that_is_connected_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray.is_initialized", lambda: True)
    with pytest.raises(SetupError, match="this process is connected to a Ray cluster already"):
        connect("ray", None, None, None)
