"""Bigger runs foretold from finished ones."""

from pathlib import Path

import pytest

from taximeter.errors import SetupError
from taximeter.report.estimate import Estimate, estimate
from taximeter.report.side import open_side
from taximeter.rundir import OutputDir
from tests.runs import Writing, call, plan, stage

STAGES = [stage(1, "read"), stage(2, "ask", needs=("read",))]


def a_run(folder: Path, items: int, seconds: float, per_item: int = 1000, fixed: int = 0, **fields: object) -> str:
    """`ask` has a call for each item, and perhaps one for itself."""
    run_id = fields.pop("run_id", f"of-{items}")
    writing = Writing(folder, plan(STAGES), run_id)
    writing.start("read")
    writing.end("read", seconds=1.0, items_in=items)
    writing.start("ask")
    if fixed:
        writing.sink("ask", call(prompt_tokens=fixed, completion_tokens=0))
    writing.sink("ask", *[call(prompt_tokens=per_item, completion_tokens=0, **fields)] * items)
    writing.end("ask", seconds=seconds)
    writing.close()
    return str(run_id)


def foretold(folder: Path, items: int, *runs: str) -> Estimate:
    return estimate(plan(STAGES), [open_side(run, OutputDir(folder)) for run in runs], items)


def test_a_single_run_grows_in_proportion_and_shows_no_range(tmp_path: Path) -> None:
    made = foretold(tmp_path, 100, a_run(tmp_path, 10, 5.0))
    ask = made.stages[1]
    # 10 items took 5 s and 10 x 1,000 tokens at $3 a million, which is $0.03.
    assert (ask.wall_seconds.value, ask.calls.value, ask.tokens.value, ask.cost.value) == (50.0, 100, 100_000, 0.3)
    assert (ask.cost.low, ask.cost.high) == (None, None)
    assert made.doubts == ("A single run shows no range: name more of them.",)
    assert made.cost.value == 0.3


def test_runs_of_different_sizes_tell_what_is_fixed(tmp_path: Path) -> None:
    # 3 s and 0.5 s an item; 2,000 tokens and 1,000 an item.
    runs = [a_run(tmp_path, n, 3 + n / 2, fixed=2000) for n in (10, 20, 40)]
    ask = foretold(tmp_path, 100, *runs).stages[1]
    assert ask.wall_seconds.value == pytest.approx(53.0)
    assert ask.tokens.value == pytest.approx(102_000)
    assert ask.cost.value == pytest.approx(0.306)
    assert (ask.cost.low, ask.cost.high) == (pytest.approx(0.306), pytest.approx(0.306))


def test_runs_of_one_size_show_a_range(tmp_path: Path) -> None:
    runs = [a_run(tmp_path, 10, seconds, run_id=f"r{seconds}") for seconds in (4.0, 5.0, 9.0)]
    wall = foretold(tmp_path, 20, *runs).stages[1].wall_seconds
    assert (wall.value, wall.low, wall.high) == (12.0, 8.0, 18.0)


def test_a_falling_figure_does_not_become_negative(tmp_path: Path) -> None:
    runs = [a_run(tmp_path, 10, 9.0), a_run(tmp_path, 40, 3.0)]
    wall = foretold(tmp_path, 1000, *runs).stages[1].wall_seconds
    assert wall.value == 6.0


def test_it_says_what_the_runs_do_not_support(tmp_path: Path) -> None:
    made = foretold(tmp_path, 101, a_run(tmp_path, 10, 5.0), a_run(tmp_path, 5, 2.0, model="who-knows"))
    assert "101 items are more than 10 times those of the largest run: this is a guess." in made.doubts
    changed = plan([stage(1, "read", params={"depth": 2}), stage(2, "ask", needs=("read",)), stage(3, "judge")])
    made = estimate(changed, [open_side("of-10", OutputDir(tmp_path))], 20)
    assert "No run has done the stage judge: it is in no figure." in made.doubts
    assert "Not as in of-10: parameter read.depth: - → 2" in made.doubts
    assert made.cost.value is None


def test_calls_without_a_price_leave_the_cost_open(tmp_path: Path) -> None:
    made = foretold(tmp_path, 20, a_run(tmp_path, 10, 5.0, model="who-knows"))
    assert made.stages[1].cost.value is None
    assert made.cost.value is None
    assert "The calls of ask have no price: the cost is not known." in made.doubts


def test_runs_that_foretell_nothing_are_refused(tmp_path: Path) -> None:
    failed = Writing(tmp_path, plan([stage(1, "read", mocked=True)]), "bad")
    failed.close("failed", "no")
    with pytest.raises(SetupError) as caught:
        foretold(tmp_path, 10, "bad")
    assert [problem.message for problem in caught.value.problems] == [
        "nothing can be foretold from bad: it is failed",
        "nothing can be foretold from bad: its stages were mocked",
        "nobody knows how many items bad had",
    ]
