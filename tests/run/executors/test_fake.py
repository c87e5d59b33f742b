"""The executor that plays: what it tells of tasks, and when."""

import math
import signal

import pytest

from taximeter.clock import FakeClock
from taximeter.run.executor import Broken, Done, Event, Key, Lost, Started, Task
from taximeter.run.executors.fake import Act, Fake

A = Key("a", 0, 1)


def play(*acts: Act, tick: float = 1.0) -> tuple[Fake, FakeClock]:
    clock = FakeClock(start=0)
    fake = Fake(clock, lambda task: acts[task.shard or 0], tick=tick)
    for shard in range(len(acts)):
        task = {"run_id": "r", "run_dir": "/r", "argv": ["x"], "env": {}, "cwd": "/", "log_path": None}
        fake.submit(Task(stage_id="a", shard=shard, attempt=1, **task))  # type: ignore[arg-type]
    return fake, clock


def polls(fake: Fake, count: int) -> list[Event]:
    return [event for _ in range(count) for event in fake.poll(0)]


def test_each_poll_moves_the_clock_to_what_is_next_but_never_far() -> None:
    fake, clock = play(Act(seconds=2.5), Act(seconds=1.25, exit_code=4))
    assert fake.poll(0) == [Started(A), Started(Key("a", 1, 1))]
    times = []
    for _ in range(4):
        told = [type(event) for event in fake.poll(0)]
        times.append((clock.time, told))
    assert times == [(1.0, []), (1.25, [Done]), (2.25, []), (2.5, [Done])]


def test_a_cancelled_act_ends_now_and_a_deaf_one_after_the_grace() -> None:
    fake, _ = play(Act(seconds=math.inf), Act(seconds=math.inf, is_deaf=True), tick=100)
    polls(fake, 1)
    fake.cancel(A, 5)
    fake.cancel(Key("a", 1, 1), 5)
    ends = [(event.key.shard, event.figures) for event in polls(fake, 2) if isinstance(event, Done)]
    assert [(shard, figures.signal, figures.wall_seconds) for shard, figures in ends] == [
        (0, signal.SIGTERM, 0),
        (1, signal.SIGKILL, 5),
    ]
    fake.cancel(A, 0)  # long gone
    assert fake.poll(0) == []


@pytest.mark.parametrize(("act", "end"), [(Act(lost="why"), Lost(A, "why")), (Act(breaks="why"), Broken("why"))])
def test_an_act_may_end_badly_and_be_told_twice(act: Act, end: Event) -> None:
    fake, _ = play(Act(lost=act.lost, breaks=act.breaks, times=2))
    assert polls(fake, 5) == [Started(A), Started(A), end, end]
