"""What is started next."""

from typing import Any

from taximeter.recipe.plan import PlannedStage
from taximeter.run.schedule import Room, Schedule
from tests.runs import stage


def stages(**needs: str) -> list[PlannedStage]:
    """Stages by name, each with the names of what it needs."""
    return [stage(index, name, needs=tuple(of)) for index, (name, of) in enumerate(needs.items(), 1)]


def sized(*sizes: dict[str, Any]) -> list[PlannedStage]:
    return [stage(index, "abcdef"[index - 1], **size) for index, size in enumerate(sizes, 1)]


def started(schedule: Schedule) -> str:
    """Names of all that can be started now."""
    return "".join(stage.id for stage in iter(schedule.next, None))


def test_the_first_in_the_plan_goes_first() -> None:
    plan = stages(a="", b="", c="a", d="")
    schedule = Schedule(plan, Room(2))
    assert started(schedule) == "ab"
    schedule.free(plan[0])
    schedule.done(plan[0])
    assert started(schedule) == "c"
    assert list(schedule.waiting) == ["d"]


def test_what_needs_a_stage_that_was_not_done_is_never_started() -> None:
    plan = stages(a="", b="a", c="b", d="")
    schedule = Schedule(plan, Room(1))
    schedule.free(schedule.next() or plan[0])
    assert started(schedule) == "d"
    schedule.free(plan[3])
    schedule.done(plan[3])
    assert started(schedule) == ""
    assert list(schedule.waiting) == ["b", "c"]


def test_a_stage_that_is_to_be_started_again_goes_before_later_ones() -> None:
    plan = stages(a="", b="", c="")
    schedule = Schedule(plan, Room(1))
    first = schedule.next()
    assert first is plan[0]
    schedule.free(first)
    schedule.again(first)
    assert schedule.next() is first


def test_cpus_are_taken_out_of_the_room() -> None:
    assert started(Schedule(sized({"cpus": 2}, {}, {}, {}), Room(3))) == "ab"


def test_a_small_stage_may_start_while_a_large_one_waits() -> None:
    assert started(Schedule(sized({"cpus": 2}, {"cpus": 2}, {}), Room(3))) == "ac"


def test_parts_of_a_cpu_add_up() -> None:
    assert started(Schedule([stage(index, str(index), cpus=0.1) for index in range(1, 13)], Room(1))) == "12345678910"


def test_memory_is_shared_too() -> None:
    assert started(Schedule(sized({"memory": 60}, {"memory": 50}, {"memory": 40}, {}), Room(9, 100))) == "acd"


def test_a_stage_that_asks_for_more_than_there_is_runs_alone() -> None:
    plan = sized({}, {"cpus": 64, "memory": 10**15}, {})
    schedule = Schedule(plan, Room(2, 100))
    assert started(schedule) == "ac"
    schedule.free(plan[0])
    assert started(schedule) == ""
    schedule.free(plan[2])
    assert started(schedule) == "b"


def test_stages_of_one_cpu_may_wait_where_they_will_run() -> None:
    small, large = stage(1, "small"), stage(2, "large", cpus=2.0)
    room = Room(cpus=2, ahead=1)
    assert room.holds([small] * 3)
    assert not room.holds([small] * 4)
    assert not room.holds([small, large])
