"""Budgets inside a process."""

import logging
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

import taximeter
from taximeter import BudgetExceeded
from taximeter.errors import SetupError

ONE_CALL = Decimal("0.003")  # 1,000 tokens of `big`


def use(count: int = 1) -> None:
    for _ in range(count):
        taximeter.log_llm_usage("big", 1000, 0)


def test_the_next_call_is_refused(card: Path) -> None:
    taximeter.enable(sink="memory:", rate_card_path=card, budget=3 * ONE_CALL)
    use(2)
    taximeter.admit()
    use()
    with pytest.raises(BudgetExceeded, match=r"^the budget is used up: \$0\.009 of \$0\.009 \(100 %\); no more calls"):
        taximeter.admit()
    use()  # what was done is recorded all the same
    assert len(taximeter.get_recorder().get_all_events()) >= 4


@pytest.mark.parametrize("budget", ["calls=2", "tokens=2000", taximeter.Budget(calls=2), "cost=0.006"])
def test_it_can_be_said_in_many_ways(card: Path, budget: object) -> None:
    taximeter.enable(sink="memory:", rate_card_path=card, budget=budget)
    use()
    taximeter.admit()
    use()
    with pytest.raises(BudgetExceeded):
        taximeter.admit()


def test_a_larger_one_lets_it_go_on_and_what_was_spent_counts(card: Path) -> None:
    recorder = taximeter.enable(sink="memory:", rate_card_path=card, budget="calls=1")
    use()
    recorder.enable(budget="calls=2")
    taximeter.admit()
    use()
    with pytest.raises(BudgetExceeded, match="2 of 2"):
        taximeter.admit()
    taximeter.disable()
    taximeter.admit()


def test_without_a_budget_every_call_may_be_made(recorder: taximeter.Recorder) -> None:
    use(100)
    taximeter.admit()


def test_a_person_is_warned_once(card: Path, caplog: pytest.LogCaptureFixture) -> None:
    taximeter.enable(sink="memory:", rate_card_path=card, budget="calls=10")
    with caplog.at_level(logging.WARNING, "taximeter"):
        use(7)
        assert not caplog.messages
        use(2)
    assert caplog.messages == ["the budget is nearly used up: 8 of 10 (80 %)"]


def test_calls_without_a_price_can_be_the_end(card: Path) -> None:
    taximeter.enable(sink="memory:", rate_card_path=card, budget="cost=5,on_unpriced=stop")
    taximeter.admit()
    taximeter.log_llm_usage("who-knows", 10, 1)
    with pytest.raises(BudgetExceeded, match="1 call without a full price"):
        taximeter.admit()


def test_two_tasks_race_for_the_last_cent(card: Path) -> None:
    """Both were admitted before either had spent, so one call more than the budget is made, and no other."""
    taximeter.enable(sink="memory:", rate_card_path=card, budget=5 * ONE_CALL)
    use(4)
    both_admitted, made = threading.Barrier(2), []

    def task() -> None:
        taximeter.admit()
        both_admitted.wait(timeout=10)
        while True:
            use()
            made.append(1)
            try:
                taximeter.admit()
            except BudgetExceeded:
                return

    threads = [threading.Thread(target=task) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(made) == 2


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ("much", "the budget 'much' cannot be used: cost=much is not an amount"),
        (-1, "the budget -1 cannot be used: cost=-1 is not an amount"),
    ],
)
def test_what_cannot_be_a_budget_is_told_at_once(card: Path, budget: object, told: str) -> None:
    with pytest.raises(SetupError) as caught:
        taximeter.enable(sink="memory:", rate_card_path=card, budget=budget)
    assert caught.value.problems[0].message == told
    assert not taximeter.is_enabled()


def test_the_environment_gives_one_too(card: Path) -> None:
    code = """
import taximeter
taximeter.log_llm_usage("big", 1000, 0)
try:
    taximeter.admit()
except taximeter.BudgetExceeded as error:
    print(error)
"""
    environment = {"TAXIMETER_ENABLED": "1", "TAXIMETER_OUT": "events.jsonl", "TAXIMETER_BUDGET": "cost=0.001"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "TAXIMETER_RATE_CARD": str(card), "PATH": ""},
        cwd=card.parent,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "the budget is used up: $0.003 of $0.001 (300 %); no more calls are made\n", done.stderr
