"""How a run ends: which of several reasons is the one that is told."""

import signal

import pytest

from taximeter.run.budgets import Overspent
from taximeter.run.ending import Ending


@pytest.mark.parametrize(("keep_going", "near"), [(False, True), (True, False)])
def test_the_first_reason_stays_and_brings_the_end_nearer_unless_the_rest_goes_on(keep_going: bool, near: bool) -> None:
    ending = Ending(keep_going=keep_going)
    assert (ending.status, ending.reason, ending.is_near) == ("done", None, False)
    ending.failed("a", "exit code 3")
    ending.overspent(Overspent("b", "used up"))
    ending.failed("c", "exit code 4")
    assert (ending.status, ending.reason, ending.is_near) == ("failed", "stage a: exit code 3", near)


@pytest.mark.parametrize(("stage_id", "near"), [("a", False), (None, True)])
def test_a_budget_of_the_run_ends_it_whatever_is_to_go_on(stage_id: str | None, near: bool) -> None:
    ending = Ending(keep_going=True)
    ending.overspent(Overspent(stage_id, "used up"))
    assert (ending.status, ending.reason, ending.is_near) == ("over_budget", "used up", near)


def test_a_signal_and_a_broken_executor_outdo_what_was_before() -> None:
    ending = Ending(keep_going=True)
    ending.failed("a", "exit code 3")
    ending.asked_for(signal.SIGTERM)
    assert (ending.status, ending.reason, ending.is_near, ending.signal) == ("cancelled", "SIGTERM", True, 15)
    ending.broken("the cluster is gone")
    assert (ending.status, ending.reason, ending.is_near) == ("failed", "the cluster is gone", True)
