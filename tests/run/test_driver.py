"""The driver's own decisions, with stages that are only played: what is tried again, ended, counted and told."""

import math
import os
import signal
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from taximeter.clock import FakeClock
from taximeter.report.build import build
from taximeter.run.begin import run_recipe
from taximeter.run.executor import Caps, Task
from taximeter.run.executors.fake import Act, Fake
from taximeter.run.observer import Unwatched
from taximeter.run.options import RunOptions
from taximeter.run.outcome import Outcome
from tests.run.pipelines import here, lines, recipe

__all__ = ["here"]  # a fixture
pytestmark = pytest.mark.usefixtures("here")

CALL = '{"schema_version": "instrumentation_call_v1", "model": "big", "prompt_tokens": 1000}\n'


class Played:
    """A run whose stages were played."""

    def __init__(
        self, script: Callable[[Task], Act], stages: list[dict[str, Any]], *, caps: Caps | None = None, **options: Any
    ) -> None:
        more = {name: options.pop(name) for name in ("budget",) if name in options}
        recipe([{"run": "true"} | stage for stage in stages], **more)
        self.clock = FakeClock()
        self.began: list[float] = []

        def noted(task: Task) -> Act:
            self.began.append(self.clock.time)
            return script(task)

        self.fake = Fake(self.clock, noted, caps=caps)
        asked = RunOptions(recipe=Path("recipe.yaml"), run_id="r", **options)
        self.outcome: Outcome = run_recipe(asked, Unwatched, self.clock, self.fake)

    @property
    def report(self) -> Any:
        return build(self.outcome.run)

    def attempts(self, stage: int = 0) -> list[tuple[int, str, str | None]]:
        return [(a.attempt, a.status, a.error) for a in self.report.stages[stage].attempts]


def spend(task: Task) -> None:
    """One call of 0.003."""
    with Path(task.env["INSTRUMENT_SINK"]).open("a") as sink:
        sink.write(CALL)


def test_a_task_says_all_that_whoever_runs_it_must_know() -> None:
    stage = {"id": "a", "resources": {"cpus": 2, "memory": "1MB"}, "timeout": "1m", "out": "made.txt"}
    played = Played(lambda task: Act(), [stage])
    (task,), run = played.fake.submitted, played.outcome.run
    assert (task.key, task.run_id, task.run_dir) == (("a", None, 1), "r", str(run.path))
    assert (task.cpus, task.memory, task.timeout, task.grace) == (2.0, 1_000_000, 60.0, 5.0)
    assert task.outputs == (str(run.path / "01_a/made.txt"),)
    assert task.log_path == str(run.path / "01_a/log.1.txt")
    assert played.fake.is_closed


def test_lost_and_failed_attempts_are_tried_again_after_their_delays_and_all_they_spent_counts() -> None:
    def script(task: Task) -> Act:
        spend(task)
        return (Act(lost="its node is gone"), Act(exit_code=3), Act())[task.attempt - 1]

    played = Played(script, [{"id": "a", "retries": {"count": 2, "delay": "10s", "backoff": 3}}])
    stage, began = played.report.stages[0], played.began
    assert [(a.status, a.error) for a in stage.attempts] == [
        ("lost", "its node is gone"),
        ("failed", "exit code 3"),
        ("done", None),
    ]
    assert 11 <= began[1] - began[0] < 13
    assert 31 <= began[2] - began[1] < 33
    assert (played.outcome.status, stage.llm_totals.calls, stage.llm_totals.cost) == ("done", 3, Decimal("0.009"))


def test_a_stage_whose_every_attempt_is_lost_is_lost() -> None:
    played = Played(lambda task: Act(lost="no beat for 10 s"), [{"id": "a", "retries": {"count": 1}}, {"id": "b"}])
    assert played.attempts() == [(1, "lost", "no beat for 10 s"), (2, "lost", "no beat for 10 s")]
    assert (played.outcome.status, played.report.error) == ("failed", "stage a: no beat for 10 s")
    assert [task.stage_id for task in played.fake.submitted] == ["a", "a"]


def test_an_attempt_has_its_time_and_then_a_grace() -> None:
    played = Played(lambda task: Act(seconds=math.inf, is_deaf=True), [{"id": "a", "timeout": "1m"}])
    assert played.fake.cancelled == [(("a", None, 1), 5.0)]
    error = "it took longer than its timeout of 1m 00s; it ignored TERM and was killed"
    assert played.attempts() == [(1, "failed", error)]
    assert 65 <= played.report.stages[0].attempts[0].wall_seconds < 66


def test_who_ends_just_before_its_time_has_made_it() -> None:
    assert Played(lambda task: Act(seconds=59.9), [{"id": "a", "timeout": "1m"}]).attempts() == [(1, "done", None)]


def test_what_has_spent_its_budget_is_told_to_end_and_the_rest_is_not_begun() -> None:
    def script(task: Task) -> Act:
        spend(task)
        return Act(seconds=math.inf)

    played = Played(script, [{"id": "a"}, {"id": "b", "needs": ["a"]}], budget={"cost": 0.002})
    assert played.fake.cancelled == [(("a", None, 1), 5.0)]
    assert [(s.id, s.status) for s in played.report.stages] == [("a", "over_budget"), ("b", "skipped")]
    assert (played.outcome.exit_code, played.report.totals.cost) == (3, Decimal("0.003"))


def test_a_signal_ends_all_that_runs_and_a_second_one_kills_it() -> None:
    def script(task: Task) -> Act:
        os.kill(os.getpid(), signal.SIGINT)
        return Act(seconds=math.inf, is_deaf=True)

    one = Played(script, [{"id": "a"}])
    assert one.fake.cancelled == [(("a", None, 1), 5.0)]
    assert one.attempts() == [(1, "cancelled", "ended by SIGINT; it ignored TERM and was killed")]
    assert one.outcome.exit_code == 130


def test_a_second_signal_gives_no_time() -> None:
    def script(task: Task) -> Act:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        return Act(seconds=math.inf, is_deaf=True)

    played = Played(script, [{"id": "a"}])
    assert [grace for _, grace in played.fake.cancelled] == [5.0, 0]
    assert played.outcome.exit_code == 130


@pytest.mark.slow
def test_events_that_come_twice_change_nothing() -> None:
    def script(task: Task) -> Act:
        spend(task)
        return Act(times=2, exit_code=int(task.stage_id == "b" and task.attempt == 1), seconds=50)

    stages: list[dict[str, Any]] = [{"id": "a", "timeout": "1m"}, {"id": "b", "needs": ["a"], "retries": {"count": 1}}]
    played = Played(script, stages)
    assert [task.key for task in played.fake.submitted] == [("a", None, 1), ("b", None, 1), ("b", None, 2)]
    assert played.attempts(1) == [(1, "failed", "exit code 1"), (2, "done", None)]
    assert played.report.totals.calls == 3
    told = [(e["stage"], e["status"]) for e in lines(played.outcome.run.progress)]
    assert told.count(("a", "done")) == 1


def test_an_executor_that_breaks_loses_what_it_ran_and_fails_the_run() -> None:
    def script(task: Task) -> Act:
        spend(task)
        return Act(breaks="the cluster is gone", times=2) if task.stage_id == "b" else Act(seconds=math.inf)

    stages = [{"id": name, "retries": {"count": 3}} for name in "ab"]
    played = Played(script, [*stages, {"id": "c", "needs": ["a"]}], jobs=2)
    assert [(s.id, s.status) for s in played.report.stages] == [("a", "lost"), ("b", "lost"), ("c", "skipped")]
    assert (played.outcome.status, played.report.error) == ("failed", "the cluster is gone")
    assert played.report.totals.calls == 2


def test_stages_share_the_gpus_that_there_are_and_one_that_asks_for_more_runs_alone() -> None:
    stages: list[dict[str, Any]] = [{"id": name, "resources": {"gpus": 0.5}} for name in "abc"]
    stages.append({"id": "d", "resources": {"gpus": 2}})
    caps = Caps(cpus=9.0, memory=math.inf, gpus=1.0, is_here=False)
    played = Played(lambda task: Act(seconds=20), stages, caps=caps)
    a, _, c, d = played.began
    assert [task.gpus for task in played.fake.submitted] == [0.5, 0.5, 0.5, 2.0]
    assert a + 20 <= c
    assert c + 20 <= d


@pytest.mark.parametrize(("jobs", "together"), [(None, 3), (2, 2)])
def test_as_many_run_at_a_time_as_the_executor_has_room_for_or_a_person_says(jobs: int | None, together: int) -> None:
    stages: list[dict[str, Any]] = [{"id": name} for name in "abcdef"]
    caps = Caps(cpus=3.0, memory=math.inf, gpus=1.0, is_here=False)
    first, *_ = began = Played(lambda task: Act(seconds=20), stages, jobs=jobs, caps=caps).began
    assert began[together - 1] - first < 20 <= began[together] - first
