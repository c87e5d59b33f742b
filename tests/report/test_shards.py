"""The shards of a stage in a report: each with its figures, all together as the stage, and how far they lie apart."""

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.pricing.cost import EXACT
from taximeter.report import html_static, markdown, terminal
from taximeter.report import json as json_report
from taximeter.report.build import Books, build
from taximeter.report.records import MoneySpread, Spread, StageInstrumentation
from taximeter.report.trust import trust
from tests.runs import Writing, call, plan, stage

D = Decimal


def of_shards(tmp_path: Path, count: int = 3) -> Writing:
    return Writing(tmp_path, plan([stage(1, "a", shards=count, shard_input="rows")]))


def test_a_stage_is_what_its_shards_took_together(tmp_path: Path) -> None:
    writing = of_shards(tmp_path)
    writing.start("a", shards=3)
    names = [writing.start_shard("a", number) for number in range(3)]
    for number, name in enumerate(names):
        writing.sink(name, *[call(prompt_tokens=1000, completion_tokens=0)] * (number + 1))
        writing.end(name, seconds=2.0)
    writing.end("a", seconds=0.5)
    writing.close()
    (a,) = build(writing.run).stages
    assert [(s.shard, s.status, s.wall_seconds, s.llm_totals.calls) for s in a.shards] == [
        (0, "done", 2.0, 1), (1, "done", 4.0, 2), (2, "done", 6.0, 3),
    ]  # fmt: skip
    assert (a.status, a.wall_seconds, a.cpu_user_seconds) == ("done", 6.0, 4.5)
    assert (a.max_rss_bytes, a.io_read_bytes) == (20_000_000, 3 * 4096)
    assert a.llm_totals.cost == D("0.018")
    assert [len(a.attempts), a.attempts[0].wall_seconds, a.attempts[0].last] == [1, 6.0, True]
    assert a.spread is not None
    assert (a.spread.count, a.spread.done, a.spread.stragglers) == (3, 3, [])
    assert a.spread.wall_seconds is not None and a.spread.cost is not None
    assert a.spread.wall_seconds == Spread(least=2.0, median=4.0, most=6.0)
    assert a.spread.cost == MoneySpread(least=D("0.003"), median=D("0.006"), most=D("0.009"))
    assert {c.shard for c in a.llm_calls} == {0, 1, 2}


def test_a_straggler_took_half_as_long_again_as_the_median_and_a_second_longer(tmp_path: Path) -> None:
    writing = of_shards(tmp_path, 5)
    writing.start("a", shards=5)
    for number, seconds in enumerate([2.0, 2.5, 2.0, 2.9, 9.0]):
        writing.end(writing.start_shard("a", number), seconds=seconds)
    writing.end("a")
    writing.close()
    report = build(writing.run)
    assert report.stages[0].spread is not None
    assert report.stages[0].spread.stragglers == [4]
    assert [s.straggler for s in report.stages[0].shards] == [False] * 4 + [True]
    assert "Shards that took much longer than the others of their stage: a 4." in trust(report)


def test_short_shards_are_no_stragglers(tmp_path: Path) -> None:
    writing = of_shards(tmp_path)
    writing.start("a", shards=3)
    for number, seconds in enumerate([0.1, 0.1, 0.9]):
        writing.end(writing.start_shard("a", number), seconds=seconds)
    writing.end("a")
    (a,) = build(writing.run).stages
    assert a.spread is not None and a.spread.stragglers == []


def test_while_it_runs_shards_run_wait_and_are_tried_again(tmp_path: Path) -> None:
    writing = of_shards(tmp_path, 4)
    lock = writing.run.lock()
    writing.start("a", shards=4)
    writing.end(writing.start_shard("a", 0))
    writing.end(writing.start_shard("a", 1), "failed", exit_code=75)
    running = writing.start_shard("a", 1, attempt=2)
    writing.sink(running, call(prompt_tokens=1000, completion_tokens=0))
    late = writing.start_shard("a", 2)
    writing.clock.advance(9)
    books = Books(writing.run, writing.plan, 50, writing.clock)
    books.take()
    (a,) = books.report().stages
    assert a.status == "running"
    assert [s.status for s in a.shards] == ["done", "running", "running", "pending"]
    assert [len(s.attempts) for s in a.shards] == [1, 2, 1, 0]
    assert a.shards[1].llm_totals.calls == 1
    assert a.wall_seconds == 13.0
    assert a.spread is not None and a.spread.stragglers == [1, 2]
    lock.close()
    writing.end(late)
    (a,) = build(writing.run).stages
    assert [s.status for s in a.shards] == ["done", "lost", "done", "skipped"]
    assert "1 attempt lost, with figures as far as they were written: a." in trust(build(writing.run))


def test_progress_of_a_stage_is_that_of_its_shards(tmp_path: Path) -> None:
    writing = of_shards(tmp_path, 4)
    lock = writing.run.lock()
    writing.start("a", shards=4)
    for number in range(2):
        name = writing.start_shard("a", number)
        folder = writing.run.stage(writing._stage(name).folder)
        folder.progress(1).write_text(json.dumps({"current": 3 + number, "total": 10}) + "\n")
    writing.clock.advance(2)
    books = Books(writing.run, writing.plan, 50, writing.clock)
    books.take()
    (a,) = books.report().stages
    assert a.progress is not None
    assert (a.progress.current, a.progress.total, a.progress.percent) == (7, 40, 17.5)
    assert [s.progress and s.progress.current for s in a.shards] == [3, 4, None, None]
    lock.close()


def test_shards_of_an_earlier_plan_were_paid_for_but_are_not_compared(tmp_path: Path) -> None:
    writing = of_shards(tmp_path, 2)
    writing.start("a", shards=3)
    for number in range(3):
        name = writing.start_shard("a", number)
        writing.sink(name, call(prompt_tokens=1000, completion_tokens=0))
        writing.end(name, seconds=1.0 + 9 * (number == 2))
    writing.end("a")
    writing.close()
    writing.sit_down_again()
    writing.start("a", 2, shards=2)
    for number in range(2):
        writing.end(writing.start_shard("a", number, attempt=2), seconds=1.0)
    writing.end("a")
    writing.close()
    (a,) = build(writing.run).stages
    assert [(s.shard, len(s.attempts)) for s in a.shards] == [(0, 2), (1, 2), (2, 1)]
    assert a.spread is not None
    assert (a.spread.count, a.spread.done, a.spread.stragglers) == (2, 2, [])
    assert a.llm_totals.calls == sum(s.llm_totals.calls for s in a.shards) == 3
    assert [attempt.wall_seconds for attempt in a.attempts] == [12.0, 2.0]


def test_calls_that_no_shard_made_have_a_row_of_their_own(tmp_path: Path) -> None:
    writing = of_shards(tmp_path, 1)
    writing.start("a", shards=1)
    name = writing.start_shard("a", 0)
    writing.sink(name, call(prompt_tokens=1000, completion_tokens=0))
    writing.sink("a", call(prompt_tokens=2000, completion_tokens=0))
    writing.end(name)
    writing.end("a")
    writing.close()
    (a,) = build(writing.run).stages
    assert [(s.shard, s.llm_totals.cost) for s in a.shards] == [(0, D("0.003")), (None, D("0.006"))]
    assert_adds_up(a)


def assert_adds_up(of: StageInstrumentation) -> None:
    costs = [s.llm_totals.cost for s in of.shards if s.llm_totals.cost is not None]
    assert of.llm_totals.cost == (reduce(EXACT.add, costs) if costs else None)
    for figure in ("calls", "prompt_tokens", "completion_tokens", "unpriced_calls", "cached_calls"):
        assert getattr(of.llm_totals, figure) == sum(getattr(s.llm_totals, figure) for s in of.shards)
    for figure in ("cpu_user_seconds", "cpu_system_seconds", "io_read_bytes"):
        known = [value for s in of.shards if (value := getattr(s, figure)) is not None]
        assert (getattr(of, figure) or 0) == pytest.approx(sum(known))


SHARD = st.lists(
    st.tuples(
        st.sampled_from(["done", "failed", "lost", "over_budget"]),
        st.lists(st.tuples(st.sampled_from(["big", "small", "local", "nobody"]), st.integers(0, 10**9)), max_size=4),
    ),
    max_size=3,
)


@pytest.mark.slow
@given(sittings=st.lists(st.lists(SHARD, min_size=1, max_size=5), min_size=1, max_size=3))
def test_shards_always_add_up_to_the_stage_and_the_stage_to_the_run(
    tmp_path_factory: pytest.TempPathFactory, sittings: Sequence[Sequence[Sequence[tuple]]]
) -> None:
    writing = of_shards(tmp_path_factory.mktemp("run"), len(sittings[-1]))
    tries: dict[int, int] = {}
    for number, shards in enumerate(sittings, 1):
        if number > 1:
            writing.sit_down_again()
        writing.start("a", number, shards=len(shards))
        for shard, attempts in enumerate(shards):
            for status, calls in attempts:
                tries[shard] = tries.get(shard, 0) + 1
                name = writing.start_shard("a", shard, tries[shard])
                writing.sink(name, *(call(model, prompt_tokens=n, completion_tokens=1) for model, n in calls))
                writing.end(name, status, 0.5)
        writing.end("a", "failed")
        writing.close("failed")
    report = build(writing.run)
    (a,) = report.stages
    assert_adds_up(a)
    assert report.totals == a.llm_totals
    assert sum(len(s.attempts) for s in a.shards) == sum(tries.values())
    assert json_report.parse(json_report.render(report)) == report


def test_every_rendering_shows_the_spread(tmp_path: Path) -> None:
    writing = of_shards(tmp_path, 3)
    writing.start("a", shards=3)
    for number, seconds in enumerate([1.0, 1.5, 20.0]):
        name = writing.start_shard("a", number)
        writing.sink(name, call(prompt_tokens=1000 * (number + 1), completion_tokens=0))
        writing.end(name, seconds=seconds)
    writing.end("a")
    writing.close()
    report = build(writing.run)
    for text in (terminal.render(report, 120), markdown.render(report), html_static.render(report)):
        for part in ("3 of 3 done", "1.00 s", "1.50 s", "20.0 s", "$0.003", "$0.006", "$0.009", "stragglers"):
            assert part in text, (part, text)
