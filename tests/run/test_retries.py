"""When a stage is tried again."""

from taximeter.clock import FakeClock
from taximeter.recipe.plan import PlannedStage, Retries
from taximeter.run.retries import RetryQueue
from tests.runs import stage


def queue(**rule: object) -> tuple[RetryQueue, PlannedStage, FakeClock]:
    clock = FakeClock()
    return RetryQueue(clock), stage(1, "a", retries=Retries(**rule)), clock  # type: ignore[arg-type]  # a rule of a test


def test_without_a_rule_nothing_is_tried_again() -> None:
    retries, a, _ = queue()
    assert retries.put(a, 1) is None
    assert not retries.waiting


def test_a_stage_is_tried_again_so_many_times() -> None:
    retries, a, _ = queue(count=2)
    for told in ("retry 1 of 2", "retry 2 of 2"):
        assert retries.put(a, 1) == told
        assert retries.take_due() == [a]
    assert retries.put(a, 1) is None


def test_the_delay_grows_by_the_backoff() -> None:
    retries, a, clock = queue(count=3, delay=10.0, backoff=3.0)
    waits = []
    for _ in range(3):
        retries.put(a, 1)
        waits.append(retries.wait())
        assert retries.take_due() == []
        clock.advance(waits[-1])
        assert retries.take_due() == [a]
    assert waits == [10, 30, 90]


def test_the_delay_does_not_grow_beyond_an_hour() -> None:
    retries, a, clock = queue(count=100, delay=10.0, backoff=100.0)
    for _ in range(100):
        retries.put(a, 1)
        clock.advance(retries.wait())
        assert retries.take_due() == [a]
    assert clock.time < FakeClock().time + 100 * 3600


def test_only_the_exit_codes_of_the_rule_are_tried_again() -> None:
    retries, a, _ = queue(count=9, on=(3, 124))
    assert retries.put(a, 1) is None
    assert retries.put(a, None) is None
    assert retries.put(a, 124)


def test_the_one_that_is_due_first_is_waited_for() -> None:
    retries, a, clock = queue(count=1, delay=5.0)
    b = stage(2, "b", retries=Retries(1, 2.0))
    retries.put(a, 1)
    retries.put(b, 1)
    assert retries.wait() == 2
    clock.advance(2)
    assert retries.take_due() == [b]
    assert retries.wait() == 3
