"""Limits and baselines that a run must hold."""

from decimal import Decimal
from statistics import median
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.errors import SetupError
from taximeter.report import records
from taximeter.report.gate import Verdict, check, columns, unpriced
from taximeter.report.table import table


def a_report(run_id: str = "r", **headline: object) -> records.RunInstrumentation:
    figures = {"wall_seconds": 10.0, "cost": Decimal("1.00"), "calls": 4, "peak_memory_bytes": 1000} | headline
    status = figures.pop("status", "done")
    totals = figures.pop("totals", records.Totals())
    mocked, metered = figures.pop("mocked", False), figures.pop("metered", True)
    return records.RunInstrumentation(
        run_id=run_id,
        status=status,
        metered=metered,
        mocked=mocked,
        totals=totals,
        headline=records.Headline(run_id=run_id, status=status, **figures),
    )


def failed(verdict: Verdict) -> list[str]:
    return [check.figure for check in verdict.checks if not check.passed]


@pytest.mark.parametrize(
    ("limit", "passes"), [(Decimal("1.00"), True), (Decimal("0.999999999999"), False), (Decimal(2), True)]
)
def test_a_limit_is_the_most(limit: Decimal, passes: bool) -> None:
    assert check(a_report(), {"cost": limit}, [], 0.1).passed is passes


def test_a_run_that_failed_does_not_pass() -> None:
    assert failed(check(a_report(status="failed"), {"cost": Decimal(5)}, [], 0.1)) == ["status"]


def test_one_baseline_and_a_tolerance() -> None:
    usual = a_report("b")
    assert check(a_report(wall_seconds=10.9), {}, [usual], 0.1).passed
    assert failed(check(a_report(wall_seconds=11.1), {}, [usual], 0.1)) == ["wall_seconds"]
    assert check(a_report(wall_seconds=0.1, cost=Decimal("0.10")), {}, [usual], 0.1).passed  # less is no regression


def test_noise_is_not_a_regression() -> None:
    # Median 10, deviations 0 1 1 3 3, their median 1: 1.4826 is one standard deviation, and three of them are 4.45.
    noisy = [a_report(f"b{wall}", wall_seconds=wall) for wall in (7.0, 9.0, 10.0, 11.0, 13.0)]
    assert check(a_report(wall_seconds=14.4), {}, noisy, 0.1).passed
    verdict = check(a_report(wall_seconds=14.5), {}, noisy, 0.1)
    assert failed(verdict) == ["wall_seconds"]
    (wall,) = [one for one in verdict.checks if one.figure == "wall_seconds"]
    assert (wall.baseline, wall.noise) == (10.0, 1.4826)
    assert verdict.warnings == ()


def test_with_few_baselines_noise_is_not_known() -> None:
    verdict = check(a_report(), {}, [a_report("a"), a_report("b")], 0.1)
    assert verdict.warnings == ("With fewer than 3 baselines their noise is not known: only the tolerance counts.",)


def test_what_is_not_known_is_a_warning() -> None:
    verdict = check(a_report(cost=None), {"cost": Decimal(1)}, [], 0.1)
    assert verdict.passed
    assert verdict.warnings == ("cost is not known, so it was not checked.",)
    assert check(a_report(), {}, [a_report("b", cost=None)], 0.1).passed


def test_calls_without_a_price_are_a_warning() -> None:
    totals = records.Totals(calls=9, unpriced_calls=2, partial_calls=1, missing_usage_calls=1)
    report = a_report(totals=totals)
    verdict = check(report, {"cost": Decimal(5)}, [], 0.1)
    assert verdict.passed
    assert list(verdict.warnings) == unpriced(report)
    assert unpriced(report) == [
        "3 calls without a full price: the cost is more than it says.",
        "1 call did not say how many tokens they used.",
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "failed"}, "b cannot be a baseline: it is failed"),
        ({"mocked": True}, "b cannot be a baseline: its stages were mocked"),
        ({"metered": False}, "b cannot be a baseline: it was not metered"),
    ],
)
def test_not_every_run_can_be_a_baseline(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(SetupError) as caught:
        check(a_report(), {}, [a_report("b", **fields)], 0.1)
    assert [problem.message for problem in caught.value.problems] == [reason]
    assert caught.value.problems[0].hint == "name another run, or a baseline that was saved"


def test_a_baseline_in_another_currency_is_none() -> None:
    euro = msgspec.structs.replace(a_report("b"), pricing=records.Pricing(currency="EUR"))
    with pytest.raises(SetupError, match="b cannot be a baseline: it is in EUR, and the run in USD"):
        check(a_report(), {}, [euro], 0.1)


def test_the_table_is_in_words() -> None:
    verdict = check(a_report(calls=9), {"cost": Decimal("0.5")}, [a_report("b")], 0.1)
    rows = table(columns("USD"), verdict.checks).rows
    assert rows[0] == ("pass", "status", "done", "done", "a run that is to pass has ended")
    assert ("FAIL", "calls", "9", "4", "usual is 4") in rows
    assert ("FAIL", "cost", "$1.00", "$0.50", "set as a limit") in rows
    assert ("pass", "cost", "$1.00", "$1.10", "usual is $1.00") in rows


def test_noise_of_every_figure_is_in_words() -> None:
    figures: dict[str, Any] = {
        "wall_seconds": 10.0,
        "cpu_seconds": 4.0,
        "peak_memory_bytes": 1000,
        "calls": 10,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "cost": Decimal("1.00"),
        "cost_per_1000_items": Decimal("0.50"),
    }
    noisy = [
        a_report(f"b{times}", **{name: type(value)(value * times) for name, value in figures.items()})
        for times in (1, 2, 3)
    ]
    rows = table(columns("USD"), check(a_report(**figures), {}, noisy, 0.1).checks).rows
    assert [row[1:] for row in rows[1:]] == [
        ("wall", "10.0 s", "1m 04s", "usual is 20.0 s, noise 14.8 s"),
        ("CPU", "4.00 s", "25.8 s", "usual is 8.00 s, noise 5.93 s"),
        ("peak memory", "1.00 kB", "6.45 kB", "usual is 2.00 kB, noise 1.48 kB"),
        ("calls", "10", "64", "usual is 20, noise 14"),
        ("tokens in", "100", "644", "usual is 200, noise 148"),
        ("tokens out", "20", "128", "usual is 40, noise 29"),
        ("cost", "$1.00", "$6.45", "usual is $2.00, noise $1.48"),
        ("cost/1k items", "$0.50", "$3.22", "usual is $1.00, noise $0.741"),
    ]


walls = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=9)


@given(walls, st.floats(0, 1))
def test_the_usual_passes(known: list[float], tolerance: float) -> None:
    baselines = [a_report(f"b{n}", wall_seconds=wall) for n, wall in enumerate(known)]
    assert check(a_report(wall_seconds=median(known)), {}, baselines, tolerance).passed
