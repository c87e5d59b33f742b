"""The executor of this machine: one forkserver, many tasks at a time."""

import os
import pickle
import select
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter.run.executor import Broken, Done, Event, Key, Lost, Started, Task
from taximeter.run.executors.local import Local
from taximeter.run.launcher import Forkserver
from tests.stages import PATIENCE, marked, wait_until


@pytest.fixture
def forkserver() -> Iterator[Forkserver]:
    forkserver = Forkserver.start()
    yield forkserver
    forkserver.close()


@pytest.fixture
def local(forkserver: Forkserver) -> Iterator[Local]:
    local = Local(forkserver)
    yield local
    local.close()


def task(folder: Path, run: str, *, shard: int | None = None, attempt: int = 1) -> Task:
    return Task(
        run_id="r",
        run_dir=str(folder),
        stage_id="a",
        shard=shard,
        attempt=attempt,
        argv=["sh", "-c", run],
        env={"PATH": os.environ["PATH"], "OF": str(folder)},
        cwd=str(folder),
        log_path=str(folder / f"log.{shard}.{attempt}"),
        usage_path=str(folder / f"usage.{shard}.{attempt}"),
    )


def hear(local: Local, count: int) -> list[Event]:
    events: list[Event] = []
    while len(events) < count:
        assert select.select([local], [], [], PATIENCE)[0], events
        events += local.poll(0)
    return events


def test_shards_and_attempts_of_one_stage_run_at_once_and_are_told_apart(local: Local, tmp_path: Path) -> None:
    tasks = [task(tmp_path, f"exit {n}", shard=n // 2, attempt=n % 2) for n in range(6)]
    for each in tasks:
        local.submit(each)
    codes = {event.key: event.figures.exit_code for event in hear(local, 12) if isinstance(event, Done)}
    assert codes == {Key("a", n // 2, n % 2): n for n in range(6)}
    assert local.poll(0) == []


def test_one_is_cancelled_with_a_grace_and_another_at_once(local: Local, tmp_path: Path) -> None:
    gentle = task(tmp_path, "trap 'exit 7' TERM; touch trap; sleep 60 & wait", shard=0)
    deaf = task(tmp_path, "sleep 60", shard=1)
    local.submit(gentle)
    local.submit(deaf)
    assert {type(event) for event in hear(local, 2)} == {Started}
    assert wait_until((tmp_path / "trap").exists)
    local.cancel(gentle.key, 5.0)
    local.cancel(deaf.key, 0)
    figures = {event.key: event.figures for event in hear(local, 2) if isinstance(event, Done)}
    assert figures[deaf.key].signal == signal.SIGKILL
    assert figures[gentle.key].exit_code == 7
    local.cancel(gentle.key, 0)  # long gone
    assert local.poll(0) == []


def test_a_supervisor_that_dies_loses_its_own_task_only(local: Local, tmp_path: Path) -> None:
    lost, other = task(tmp_path, "kill -9 $PPID; sleep 60", shard=0), task(tmp_path, "sleep 0.2", shard=1)
    local.submit(lost)
    local.submit(other)
    ends: dict[object, Key] = {}
    while len(ends) < 2:  # whether it can still say that it has started is a race
        ends |= {type(event): event.key for event in hear(local, 1) if isinstance(event, Done | Lost)}
    assert ends == {Lost: lost.key, Done: other.key}


def test_when_the_forkserver_dies_it_says_so_once_and_nothing_is_left(
    local: Local, forkserver: Forkserver, tmp_path: Path
) -> None:
    local.submit(task(tmp_path, "sleep 60"))
    hear(local, 1)
    os.kill(forkserver.pid, signal.SIGKILL)
    assert hear(local, 1) == [Broken("the forkserver died")]
    assert local.poll(0) == []
    assert wait_until(lambda: not marked(f"OF={tmp_path}"))


def test_who_lets_go_of_it_ends_what_it_ran(forkserver: Forkserver, tmp_path: Path) -> None:
    local = Local(forkserver)
    local.submit(task(tmp_path, "sleep 60"))
    hear(local, 1)
    local.close()
    assert wait_until(lambda: not marked(f"OF={tmp_path}"))


def test_a_task_travels_whole(tmp_path: Path) -> None:
    sent = task(tmp_path, "true", shard=3)
    assert pickle.loads(pickle.dumps(sent)) == sent
    assert sent.key == ("a", 3, 1)
