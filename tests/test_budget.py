"""Budgets: what is used, what is left, how they are written."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.budget import Budget, parse_budget
from taximeter.totals import Totals

SPENT = Totals(calls=8, input_tokens=700, output_tokens=100, cost=Decimal("4.10"))


def test_the_most_used_limit_comes_first() -> None:
    budget = Budget(cost=Decimal(5), tokens=1000, calls=100, wall=60.0)
    assert [use.figure for use in budget.uses(SPENT, 59.0)] == ["wall", "cost", "tokens", "calls"]
    assert budget.uses(SPENT, 0)[0].words() == "$4.10 of $5.00 (82 %)"
    assert budget.uses(SPENT, 59.0)[0].words() == "59.0 s of 1m 00s (98 %)"
    assert Budget(tokens=1000).uses(SPENT)[0].words() == "800 of 1,000 (80 %)"


@pytest.mark.parametrize(
    ("cost", "warned", "over"),
    [("5.13", False, False), ("5.125", True, False), ("4.11", True, False), ("4.10", True, True), ("1", True, True)],
)
def test_a_person_is_warned_at_80_percent_and_100_are_the_end(cost: str, warned: bool, over: bool) -> None:
    budget = Budget(cost=Decimal(cost))
    assert (budget.warns(SPENT) is not None, budget.check(SPENT) is not None) == (warned, over)


def test_nothing_known_is_nothing_spent() -> None:
    assert Budget(cost=Decimal(5)).check(Totals(calls=3, unpriced_calls=3)) is None


def test_a_call_without_a_price_can_be_the_end() -> None:
    budget = Budget(cost=Decimal(5), on_unpriced="stop")
    assert budget.check(Totals(calls=1)) is None
    for count in ("unpriced_calls", "partial_calls", "missing_usage_calls"):
        over = budget.check(Totals(**{"calls": 2, count: 2}))
        assert over is not None
        assert over.words() == "2 calls without a full price"
    assert Budget(tokens=5, on_unpriced="stop").check(Totals(unpriced_calls=1)) is None


def test_what_is_left_is_never_less_than_nothing() -> None:
    left = Budget(cost=Decimal(4), tokens=1000, calls=8, wall=9.0).left(SPENT)
    assert left == Budget(cost=Decimal(0), tokens=200, calls=0)
    assert left.check(Totals()) is not None  # a limit of 0 is used up from the start


def test_the_stricter_limit_holds() -> None:
    both = Budget(cost=Decimal(4), calls=9).and_also(Budget(cost=Decimal(5), calls=3, tokens=7, on_unpriced="stop"))
    assert both == Budget(cost=Decimal(4), calls=3, tokens=7, on_unpriced="stop")


def test_flags_override_single_limits() -> None:
    assert Budget(cost=Decimal(4), calls=9).under(Budget(cost=Decimal(9))) == Budget(cost=Decimal(9), calls=9)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("5", Budget(cost=Decimal(5))),
        ("0.50", Budget(cost=Decimal("0.50"))),
        ("cost=1, tokens=1000,calls=5,wall=90", Budget(Decimal(1), 1000, 5, 90.0)),
        ("cost=1,on_unpriced=stop", Budget(cost=Decimal(1), on_unpriced="stop")),
    ],
)
def test_it_is_written_in_a_line(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cost= is not an amount"),
        ("-1", "cost=-1 is not an amount"),
        ("nan", "cost=nan is not an amount"),
        ("calls=1.5", "calls=1.5 is not an amount"),
        ("cost=1,cost=2", "'cost=2' is no limit: write cost=5.00,tokens=1000000,calls=500,wall=1800"),
        ("money=1", "'money=1' is no limit"),
        ("on_unpriced=stop", "it has no limit: give cost, tokens, calls or wall"),
        ("cost=1,on_unpriced=x", "on_unpriced is warn or stop, not 'x'"),
    ],
)
def test_what_is_written_wrong_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_budget(text)


limits = st.none() | st.integers(0, 10**9)


@given(st.none() | st.decimals(0, 10**6, places=6), limits, limits, st.sampled_from(["warn", "stop"]))
def test_what_is_written_is_read_again(cost: Decimal | None, tokens: int | None, calls: int | None, rule: str) -> None:
    budget = Budget(cost, tokens, calls, None, rule)  # type: ignore[arg-type]
    if budget:
        assert parse_budget(str(budget)) == budget


@given(st.lists(st.decimals(0, 10, places=4), max_size=20), st.decimals("0.0001", 50, places=4))
def test_what_is_left_and_what_was_spent_are_the_limit(costs: list[Decimal], limit: Decimal) -> None:
    spent = sum((Totals(calls=1, cost=cost) for cost in costs), Totals())
    left = Budget(cost=limit).left(spent)
    assert left.cost == max(limit - sum(costs), 0)
    assert (left.check(Totals()) is not None) == (Budget(cost=limit).check(spent) is not None)
