"""From a run directory to its report."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import reduce
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.errors import RunDirError
from taximeter.events import UNDELIVERED
from taximeter.pricing.builtin import built_in
from taximeter.pricing.cost import EXACT
from taximeter.pricing.sheet import Rate, Sheet, Step, Tiers, Variant
from taximeter.report import json as json_report
from taximeter.report.build import Books, build
from taximeter.report.records import ModelTotals
from taximeter.report.reused import reused_record, write_reused
from taximeter.report.trust import trust
from taximeter.rundir import RunDir
from tests.prices import card
from tests.runs import Writing, call, plan, stage

D = Decimal


def two_stages(tmp_path: Path, run_id: str = "r", **fields: object) -> Writing:
    return Writing(tmp_path, plan([stage(1, "a"), stage(2, "b", needs=("a",))], **fields), run_id)


def test_a_finished_run(tmp_path: Path) -> None:
    writing = two_stages(tmp_path, tags={"team": "x"})
    writing.start("a")
    writing.sink(
        "a", call(prompt_tokens=1000, completion_tokens=200), call("small", prompt_tokens=1, completion_tokens=0)
    )
    writing.end("a")
    writing.start("b")
    writing.end("b", "failed", exit_code=3)
    writing.close("failed", "stage b: exit code 3")
    report = build(writing.run)
    assert (report.status, report.wall_seconds, report.error) == ("failed", 4.0, "stage b: exit code 3")
    assert (report.cpu_user_seconds, report.cpu_system_seconds) == (3.0, 0.5)
    assert report.tags == {"team": "x"}
    a, b = report.stages
    assert (a.status, a.wall_seconds, a.llm_totals.calls, a.llm_totals.cost) == ("done", 2.0, 2, D("0.0060000004"))
    assert a.started_at == "2026-01-01T00:00:00.000Z"
    assert [c.cost for c in a.llm_calls] == [D("0.006"), D("0.0000000004")]
    assert (b.status, b.exit_code, b.llm_totals.calls, b.llm_totals.cost) == ("failed", 3, 0, None)
    assert a.methods["peak_memory_bytes"] == "sampled"
    assert report.totals.per_model.keys() == {"big", "small"}
    assert report.pricing.models.keys() == {"big", "small"}
    assert report.env.python_version


def test_the_rates_that_were_applied_are_listed_beside_the_standard_ones(tmp_path: Path) -> None:
    steps = Tiers("input_tokens", "cliff", (Step(2000, {"input_tokens": Rate(D(4), 1000)}),))
    half = Variant({"processing": "batch"}, multiply=D("0.5"))
    big = msgspec.structs.replace(card("big", "3", "15"), tiers=steps, variants=(half,))
    writing = Writing(tmp_path, plan([stage(1, "a")]), sheet=Sheet(entries=(big, card("small", "1"))))
    writing.start("a")
    writing.sink(
        "a",
        *[call(prompt_tokens=1000, completion_tokens=1)] * 2,
        *[call(prompt_tokens=1000, processing="batch")] * 2,
        call("small", prompt_tokens=9000),
    )
    writing.end("a")
    writing.close()
    rates = build(writing.run).pricing.models
    assert {unit: (rate.rate, rate.per) for unit, rate in rates["big"].units.items()} == {
        "input_tokens": (3, 1000),
        "output_tokens": (15, 1000),
    }
    (special,) = rates["big"].special  # no call was beyond the threshold, and no batch told its output
    assert (special.unit, special.rate, special.per) == ("input_tokens", D("1.5"), 1000)
    assert special.rule == "3 x 0.5 (processing batch)"
    assert rates["small"].special == []


def test_a_stage_that_runs_has_its_figures_so_far(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    lock = writing.run.lock()
    writing.start("a")
    writing.sink(
        "a", call(prompt_tokens=1000, completion_tokens=0), b'{"schema_version":"instrumentation_call_v1","mod'
    )
    writing.clock.advance(3)
    writing.figures("a", state="running")
    books = Books(writing.run, writing.plan, 50, writing.clock)
    books.ledger.poll()
    report = books.report()
    assert (report.status, report.wall_seconds) == ("running", 3.0)
    assert [s.status for s in report.stages] == ["running", "pending"]
    assert (report.stages[0].wall_seconds, report.totals.calls, report.losses.torn) == (3.0, 1, 0)
    writing.sink("a", b'el":"big","prompt_tokens":1}\n')
    books.ledger.poll()
    assert books.report().totals.calls == 2
    lock.close()


def test_what_a_price_depends_on_is_shown(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    writing.sink("a", call(prompt_tokens=10, processing="batch", service_tier="flex", inference_geo="us", region="eu"))
    (shown,) = build(writing.run).stages[0].llm_calls
    assert (shown.processing, shown.service_tier, shown.region) == ("batch", "flex", "eu")
    assert (shown.speed, shown.inference_geo) == (None, "us")


def test_counts_that_contradict_each_other_are_shown_and_named(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    writing.sink("a", call(prompt_tokens=10, completion_tokens=5, reasoning_output_tokens=6, counters={"images": 2}))
    writing.end("a")
    report = build(writing.run)
    (shown,) = report.stages[0].llm_calls
    assert (shown.completion_tokens, shown.reasoning_output_tokens, shown.counters) == (5, 6, {"images": 2})
    assert shown.inconsistent == ["reasoning_output_tokens 6 > output_tokens 5"]
    assert (report.totals.inconsistent_calls, report.totals.counters) == (1, {"images": 2})
    assert any(note.startswith("1 call inconsistent") and note.endswith(": big.") for note in trust(report))


def test_what_a_dead_driver_left_open_is_lost_and_its_calls_count(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    writing.sink("a", call(prompt_tokens=1000, completion_tokens=0), call(prompt_tokens=1), b'{"torn')
    writing.clock.advance(3)
    writing.figures("a", state="running")
    report = build(writing.run)
    assert [report.status, *(s.status for s in report.stages)] == ["lost", "lost", "pending"]
    assert report.wall_seconds is None
    assert report.stages[0].wall_seconds == 3.0
    assert (report.totals.calls, report.losses.torn) == (2, 1)


def test_a_last_line_without_a_newline_counts_when_nobody_writes_any_more(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    writing.sink("a", b'{"schema_version":"instrumentation_call_v1","model":"big","prompt_tokens":1}')
    writing.end("a")
    writing.close()
    report = build(writing.run)
    assert (report.totals.calls, report.losses.torn) == (1, 0)


def test_a_bad_line_costs_only_itself(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    writing.sink(
        "a",
        call(prompt_tokens=1),
        b"\n  \n\x00garbage\xff\n",
        call(prompt_tokens=-1),
        {"schema_version": "instrumentation_rejected_v1", "reason": "because"},
        b"[" * 100_000 + b"\n",
        b'{"schema_version":"instrumentation_ca',
        call(prompt_tokens=1),
        b"x" * 3_000_000 + b"\n",
        call(prompt_tokens=1),
    )
    writing.end("a")
    writing.close()
    report = build(writing.run)
    assert (report.totals.calls, report.losses.rejected, report.losses.torn) == (3, 5, 1)
    assert report.losses.reasons["because"] == 1


def test_a_call_may_name_another_stage_of_the_plan_and_no_other(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    writing.sink("a", call(prompt_tokens=1, stage_id="b"), call(prompt_tokens=1, stage_id="nobody"))
    writing.end("a")
    writing.close()
    report = build(writing.run)
    assert [s.llm_totals.calls for s in report.stages] == [1, 1]


def test_a_model_without_a_price_is_named_and_never_nothing(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    writing.sink("a", call("who", prompt_tokens=5), call(prompt_tokens=1000, completion_tokens=0))
    writing.end("a")
    writing.close()
    report = build(writing.run)
    assert report.pricing.unpriced == ["who"]
    assert (report.totals.unpriced_calls, report.totals.cost, report.totals.cost_status) == (1, D("0.003"), "partial")
    assert report.totals.per_model["who"].cost is None


def test_only_the_most_expensive_calls_are_listed_and_the_rest_is_counted(tmp_path: Path) -> None:
    writing = two_stages(tmp_path, include_calls=2)
    writing.start("a")
    writing.sink("a", *(call(prompt_tokens=n, completion_tokens=0) for n in (5, 30, 10, 20)))
    writing.end("a")
    writing.close()
    report = build(writing.run)
    assert [c.prompt_tokens for c in report.stages[0].llm_calls] == [30, 20]
    assert report.stages[0].llm_calls_omitted == 2


def test_attempts_are_added_and_the_last_decides(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a", 1)
    writing.sink("a", call(prompt_tokens=1000, completion_tokens=0))
    writing.end("a", "failed", exit_code=1)
    writing.start("a", 2)
    writing.sink("a", call(prompt_tokens=1000, completion_tokens=0))
    writing.end("a", max_rss_bytes=50_000_000)
    writing.close()
    a = build(writing.run).stages[0]
    assert (a.status, a.exit_code, a.wall_seconds, a.cpu_user_seconds) == ("done", 0, 4.0, 3.0)
    assert (a.max_rss_bytes, a.llm_totals.cost) == (50_000_000, D("0.006"))
    assert [(t.attempt, t.status, t.last) for t in a.attempts] == [(1, "failed", False), (2, "done", True)]


def test_a_directory_that_is_no_run_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RunDirError, match="not the directory of a run"):
        build(RunDir(tmp_path))
    with pytest.raises(RunDirError, match="not the directory of a run"):
        build(RunDir(tmp_path / "nothing"))


def test_json_gives_the_same_report_back(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    writing.sink("a", call("small", prompt_tokens=1), call("who", prompt_tokens=3))
    writing.end("a")
    writing.close()
    report = build(writing.run)
    text = json_report.render(report)
    assert json_report.parse(text) == report
    assert '"cost": 0.0000000004' in text


def test_a_report_is_built_again_by_the_prices_of_its_run_and_no_others(tmp_path: Path) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a")]), sheet=built_in())
    writing.start("a")
    writing.sink("a", call("gpt-4o", provider="openai", prompt_tokens=1000, completion_tokens=10))
    writing.end("a")
    writing.close()
    text = json_report.render(build(writing.run))
    years_later = (
        "import sys; sys.modules['genai_prices'] = None  # as if it were not there\n"
        "from pathlib import Path; from taximeter.report import json; from taximeter.report.build import build\n"
        "from taximeter.rundir import RunDir; sys.stdout.write(json.render(build(RunDir(Path(sys.argv[1])))))"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "nothing kept")}
    command = [sys.executable, "-c", years_later, str(writing.run.path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout == text
    assert '"cost": 0.0026' in text  # 1,000 x 2.5 + 10 x 10, per million


def test_the_largest_counts_and_costs_that_are_let_in_can_be_reported(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    largest = {"prompt_tokens": 2**63 - 1, "completion_tokens": 2**63 - 1}
    writing.sink("a", *[call(**largest)] * 100, *[call(cost=10**12)] * 100)
    writing.clock.advance(1)
    writing.figures("a")
    writing.spans.close_stage(writing._open.pop("a"), "done", items_out=1)
    writing.close()
    report = build(writing.run)
    assert report.totals.calls == 200
    assert json_report.parse(json_report.render(report)) == report


def test_counts_that_contradict_each_other_are_kept_and_the_cost_is_a_guess(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    writing.sink("a", call(prompt_tokens=5, completion_tokens=0, cache_read_input_tokens=5_000_000))
    writing.end("a")
    writing.close()
    totals = build(writing.run).totals
    assert (totals.prompt_tokens, totals.cost, totals.cost_status) == (5, D("0.000015"), "estimated")


def test_a_stage_that_was_skipped_took_nothing_that_anybody_knows(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    writing.end("a", "failed", exit_code=1)
    writing.spans.skip_stage(writing.plan.stages[1])
    writing.close("failed")
    stage_b = build(writing.run).stages[1]
    assert (stage_b.status, stage_b.wall_seconds, stage_b.attempts, stage_b.methods) == ("skipped", None, [], {})


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_sink_that_is_no_file_costs_only_itself(tmp_path: Path, make: Callable[[Path], None]) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    make(writing.run.stage("01_stage").sink(1))
    writing.end("a")
    writing.close()
    report = build(writing.run)
    assert (report.stages[0].status, report.losses.rejected) == ("done", 1)


@pytest.mark.parametrize("name", ["plan.json", "pricing.json"])
def test_a_snapshot_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    writing = two_stages(tmp_path)
    writing.close()
    (writing.run.snapshots / name).write_bytes(b'{"half')
    with pytest.raises(RunDirError, match="cannot be read"):
        build(writing.run)


def test_figures_that_cannot_be_read_are_missing(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    writing.end("a")
    writing.close()
    writing.run.stage("01_stage").usage(1).write_bytes(b"\xff")
    a = build(writing.run).stages[0]
    assert (a.cpu_user_seconds, a.methods["cpu_user_seconds"], a.wall_seconds) == (None, "missing", 2.0)


RECORDS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.fixed_dictionaries(
            {
                "model": st.sampled_from(["big", "small", "local", "who", "\x1b[31m<b>"]),
                "kind": st.sampled_from(["llm", "embedding"]),
                "prompt_tokens": st.none() | st.integers(0, 2**63 - 1),
                "completion_tokens": st.none() | st.integers(0, 2**63 - 1),
                "cached": st.booleans(),
            },
            optional={"cost": st.decimals(0, 100, places=12)},
        ),
    ),
    max_size=40,
)


@given(RECORDS)
def test_stages_models_and_the_run_add_up_to_the_same_money(records: list[tuple[str, dict[str, object]]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        writing = two_stages(Path(folder))
        for stage_id in ("a", "b"):
            writing.start(stage_id)
            writing.sink(stage_id, *(call(**fields) for id_, fields in records if id_ == stage_id))
            writing.end(stage_id)
        writing.close()
        report = json_report.parse(json_report.render(build(writing.run)))
    of_stages = [s.llm_totals for s in report.stages]
    of_models = list(report.totals.per_model.values())
    assert report.totals.calls == len(records)
    for name in ("calls", "prompt_tokens", "completion_tokens", "unpriced_calls", "embedding_tokens", "cached_calls"):
        assert sum(getattr(t, name) for t in of_stages) == getattr(report.totals, name)
        assert sum(getattr(t, name) for t in of_models) == getattr(report.totals, name)
    money = report.totals.cost or D(0)
    assert summed(of_stages) == summed(of_models) == money
    for s in report.stages:
        assert summed(s.llm_totals.per_model.values()) == (s.llm_totals.cost or D(0))


def summed(totals: Iterable[ModelTotals]) -> Decimal:
    return reduce(EXACT.add, (t.cost for t in totals if t.cost is not None), D(0))


def test_a_run_that_was_gone_on_with_counts_every_sitting(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    writing.sink("a", call(prompt_tokens=1000, completion_tokens=0), b'{"torn')
    writing.clock.advance(3)
    writing.figures("a", state="running")  # and the driver dies
    lost = build(writing.run)
    assert [s.status for s in lost.stages] == ["lost", "pending"]
    writing.sit_down_again()
    lock = writing.run.lock()
    now = Books(writing.run, writing.plan, 50, writing.clock)
    now.ledger.poll()
    assert [s.status for s in now.report().stages] == ["pending", "pending"]
    writing.start("a", attempt=2)
    writing.sink("a", call(prompt_tokens=1000, completion_tokens=0))
    now.ledger.poll()
    report = now.report()
    assert (report.status, [a.status for a in report.stages[0].attempts]) == ("running", ["lost", "running"])
    writing.end("a")
    writing.spans.skip_stage(writing.plan.stages[1])
    writing.close()
    lock.close()
    report = build(writing.run)
    assert (report.status, report.wall_seconds, report.totals.calls) == ("done", 2.0, 2)
    assert [s.status for s in report.stages] == ["done", "skipped"]
    assert [(a.attempt, a.status, a.last) for a in report.stages[0].attempts] == [(1, "lost", False), (2, "done", True)]
    assert report.started_at == "2026-01-01T00:00:00.000Z"
    assert report.losses.torn == 1


def test_a_stage_that_is_reused_keeps_its_figures_and_one_of_another_run_has_them_beside(tmp_path: Path) -> None:
    first = two_stages(tmp_path)
    first.start("a")
    first.sink("a", call(prompt_tokens=1000, completion_tokens=0))
    first.end("a")
    first.close()
    first.sit_down_again()
    first.spans.reuse_stage(first.plan.stages[0], "f", None, stale=True)
    first.close()
    a = build(first.run).stages[0]
    assert (a.status, a.stale, a.llm_totals.calls, a.wall_seconds, len(a.attempts)) == ("reused", True, 1, 2.0, 1)
    assert (a.reused_from, a.reused) == (None, None)

    second = two_stages(tmp_path, run_id="s")
    folder = second.run.stage(second.plan.stages[0].folder)
    folder.path.mkdir()
    write_reused(folder, reused_record(a))
    second.spans.reuse_stage(second.plan.stages[0], "f", "r", stale=False)
    second.close()
    report = build(second.run)
    taken = report.stages[0]
    assert (taken.status, taken.reused_from, taken.llm_totals.calls, taken.wall_seconds) == ("reused", "r", 0, None)
    assert taken.reused is not None
    assert any(note.endswith("so in no figure here: a ($0.003).") for note in trust(report))
    assert (taken.reused.llm_totals, taken.reused.wall_seconds, taken.reused.attempts) == (a.llm_totals, 2.0, 1)
    assert (report.totals.calls, report.totals.cost, report.cpu_user_seconds) == (0, None, None)


def test_an_attempt_that_did_not_come_home_whole(tmp_path: Path) -> None:
    writing = two_stages(tmp_path)
    writing.start("a")
    span = writing._open["a"]
    span.node, span.losses = "elsewhere", {UNDELIVERED: 2}
    writing.end("a")
    writing.close()
    report = build(writing.run)
    (attempt,) = report.stages[0].attempts
    assert (attempt.node, attempt.complete) == ("elsewhere", False)
    assert "1 attempt whose files did not come home whole from their machines: a." in trust(report)
    assert report.stages[0].llm_totals.calls == 0
