"""Attempts of stages that are really run: retries, timeouts, what goes on after a failure, and strictness."""

import json
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from taximeter.report.build import build
from taximeter.rundir import RunDir
from tests.run.pipelines import TAXIMETER, here, lines, recipe, run, taximeter
from tests.runs import read_json

__all__ = ["here"]  # a fixture
pytestmark = pytest.mark.usefixtures("here")

SECOND_TIME = (
    "echo $TAXIMETER_ATTEMPT; {python} calls.py 1; [ -e {stage_dir}/once ] || { touch {stage_dir}/once; exit 75; }"
)


def test_every_attempt_is_measured_and_billed_and_the_last_one_decides() -> None:
    recipe([{"id": "a", "run": SECOND_TIME, "retries": {"count": 3, "delay": "10ms", "on": [75]}}])
    found = run()
    stage = build(found).stages[0]
    assert [(a.attempt, a.status, a.exit_code, a.last) for a in stage.attempts] == [
        (1, "failed", 75, False),
        (2, "done", 0, True),
    ]
    assert (stage.status, stage.llm_totals.calls, stage.llm_totals.cost) == ("done", 2, Decimal("0.009"))
    assert stage.wall_seconds == pytest.approx(sum(a.wall_seconds or 0 for a in stage.attempts))
    folder = found.path / "01_a"
    assert [(folder / f"log.{n}.txt").read_text().split()[0] for n in (1, 2)] == ["1", "2"]
    assert [call.attempt for call in stage.llm_calls] == [1, 2]
    assert [read_json(folder / f"usage.{n}.json")["exit_code"] for n in (1, 2)] == [75, 0]
    told = [(e["status"], e["message"]) for e in lines(found.progress) if e["stage"] == "a"]
    assert told == [
        ("running", None),
        ("pending", "exit code 75; retry 1 of 3 in 0.01 s"),
        ("running", None),
        ("done", None),
    ]


def test_a_stage_that_never_succeeds_has_failed_after_its_last_retry() -> None:
    recipe([{"id": "a", "run": "kill -9 $$", "retries": {"count": 2, "on": [137]}}])
    report = build(run(code=1))
    assert [a.error for a in report.stages[0].attempts] == ["killed by SIGKILL"] * 3
    assert (report.status, report.error) == ("failed", "stage a: killed by SIGKILL")


def test_an_attempt_that_takes_too_long_is_ended_and_says_so() -> None:
    recipe([{"id": "a", "run": "sleep 60", "timeout": "200ms", "retries": {"count": 1, "on": [124]}}])
    report = build(run(code=1))
    assert report.error == "stage a: it took longer than its timeout of 0.20 s"
    assert [(a.status, a.signal) for a in report.stages[0].attempts] == [("failed", 15)] * 2


def test_with_keep_going_only_what_needs_a_failed_stage_is_skipped() -> None:
    recipe(
        [
            {"id": "a", "run": "exit 3"},
            {"id": "b", "run": "true", "needs": ["a"]},
            {"id": "c", "run": "true", "needs": ["b"]},
            {"id": "d", "run": "true"},
        ]
    )
    found = run("--keep-going", code=1)
    report = build(found)
    assert {s.id: s.status for s in report.stages} == {"a": "failed", "b": "skipped", "c": "skipped", "d": "done"}
    assert (report.status, report.error) == ("failed", "stage a: exit code 3")
    told = {e["stage"]: e["message"] for e in lines(found.progress) if e["status"] == "skipped"}
    assert told == {"b": "it needs a: failed", "c": "it needs b: skipped"}


def test_a_retry_that_waits_does_not_hold_up_the_end_of_a_failed_run() -> None:
    recipe(
        [
            {"id": "a", "run": "exit 3", "retries": {"count": 1, "delay": "1h"}},
            {"id": "b", "run": "sleep 0.3; exit 4"},
        ]
    )
    report = build(run("--jobs", "2", code=1))
    assert [s.status for s in report.stages] == ["failed", "failed"]
    assert report.error == "stage b: exit code 4"


def test_stages_run_together_as_far_as_their_cpus_allow() -> None:
    note = "echo + >> {run_dir}/log; sleep 0.2; echo - >> {run_dir}/log"
    recipe([{"id": name, "run": note, "resources": {"cpus": 2}} for name in "ab"])
    found = run("--jobs", "3")
    assert (found.path / "log").read_text().split() == ["+", "-", "+", "-"]


def test_strict_is_content_with_complete_figures() -> None:
    recipe([{"id": "a", "run": "{python} calls.py 1"}])
    run("--strict")


def test_strict_names_what_is_missing_from_the_figures() -> None:
    of = "instrumentation_call_v1"
    silent, unpriced = {"schema_version": of, "model": "big"}, {"schema_version": of, "model": "x", "prompt_tokens": 5}
    Path("said").write_text("\n".join(['{"schema', json.dumps(silent), json.dumps(unpriced)]))
    recipe([{"id": "a", "run": "cat said >> $INSTRUMENT_SINK"}])
    done = taximeter("run", "recipe.yaml", "--run-id", "r", "--strict", code=4)
    assert "incomplete: 1 call without a price, left out of the cost: x." in done.stderr
    assert "incomplete: 1 call did not say how many tokens they used." in done.stderr
    assert "incomplete: 1 line torn" in done.stderr
    assert build(RunDir(Path("output/runs/r"))).status == "done"


def test_a_sheet_may_call_a_model_without_a_price_an_error() -> None:
    unpriced = {"schema_version": "instrumentation_call_v1", "model": "x", "prompt_tokens": 5}
    Path("said").write_text(f"{json.dumps(unpriced)}\n")
    Path("sheet.yaml").write_text("on_unknown: error\nmodels: {m: {prompt_per_1k: 1}}\n")
    recipe([{"id": "a", "run": "cat said >> $INSTRUMENT_SINK"}])
    done = taximeter("run", "recipe.yaml", "--run-id", "r", "--price-table", "sheet.yaml", code=4)
    assert "No price of x, which the price sheet calls an error." in done.stderr
    assert build(RunDir(Path("output/runs/r"))).status == "done"


def test_strict_without_metering_is_refused_before_anything_starts() -> None:
    recipe([{"id": "a", "run": "true"}], instrumentation={"enabled": False})
    assert "add --instrument" in taximeter("run", "recipe.yaml", "--strict", code=2).stderr


@pytest.mark.slow
def test_a_stage_that_ignores_term_and_one_that_leaves_a_daemon_are_named() -> None:
    recipe(
        [
            {"id": "deaf", "run": "trap '' TERM; while :; do sleep 0.1; done", "timeout": "200ms"},
            {"id": "daemon", "run": "setsid sleep 100 &"},
        ]
    )
    found = run("--keep-going", code=1)
    deaf, daemon = build(found).stages
    assert deaf.attempts[0].error == "it took longer than its timeout of 0.20 s; it ignored TERM and was killed"
    assert daemon.attempts[0].leftover_processes == 1
    assert "Left processes behind that had to be ended (1 in all): daemon." in found.report_md.read_text()


@pytest.mark.slow
def test_a_run_configuration_keeps_going_and_is_strict_as_flags_are() -> None:
    Path("said").write_text('{"schema_version": "instrumentation_call_v1", "model": "who", "prompt_tokens": 5}\n')
    recipe([{"id": "a", "run": "[ -e mended ]"}, {"id": "b", "run": "cat said >> $INSTRUMENT_SINK"}])
    Path("c.yaml").write_text("recipe: recipe.yaml\nexecution: {keep_going: true, strict: true}\n")
    taximeter("run", "--config", "c.yaml", "--run-id", "one", code=1)
    assert [s.status for s in build(RunDir(Path("output/runs/one"))).stages] == ["failed", "done"]
    taximeter("run", "--config", "c.yaml", "--run-id", "two", "--no-keep-going", code=1)
    assert [s.status for s in build(RunDir(Path("output/runs/two"))).stages] == ["failed", "skipped"]
    Path("mended").touch()
    done = taximeter("run", "--config", "c.yaml", "--run-id", "three", code=4)
    assert "incomplete: 1 call without a price, left out of the cost: who." in done.stderr
    taximeter("run", "--config", "c.yaml", "--run-id", "four", "--no-strict")


@pytest.mark.slow
def test_a_run_that_goes_on_numbers_its_attempts_on_and_gives_every_sitting_its_retries() -> None:
    fails = "{python} calls.py 1; [ -e mended ]"
    stages = [{"id": "a", "run": "{python} calls.py 1"}, {"id": "b", "run": fails, "retries": {"count": 1}}]
    recipe(stages)
    run(code=1)
    run("--skip-done", code=1)
    Path("mended").touch()
    report = build(run("--skip-done"))
    a, b = report.stages
    assert (a.status, [t.attempt for t in a.attempts]) == ("reused", [1])
    assert [(t.attempt, t.status, t.last) for t in b.attempts] == [
        *((n, "failed", False) for n in (1, 2, 3, 4)),
        (5, "done", True),
    ]
    assert (report.status, report.totals.calls, report.totals.cost) == ("done", 6, Decimal("0.027"))


def test_of_two_drivers_that_start_one_run_at_once_one_runs_it_and_the_other_is_refused() -> None:
    recipe([{"id": "a", "run": "echo ran >> ran; sleep 1"}])
    command = [*TAXIMETER, "run", "recipe.yaml", "--run-id", "r", "--allow-run-id-reuse"]
    drivers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [driver.communicate(timeout=60)[1] for driver in drivers]
    codes = [driver.returncode for driver in drivers]
    assert "Traceback" not in "".join(told)
    attempts = [a.status for a in build(RunDir(Path("output/runs/r"))).stages[0].attempts]
    if sorted(codes) == [0, 2]:
        refused = told[codes.index(2)]
        assert "is held by a running driver" in refused or "exists already" in refused
        assert attempts == ["done"]
    else:  # the second came when the first was done
        assert (codes, attempts) == ([0, 0], ["done", "done"])
    assert len(Path("ran").read_text().split()) == len(attempts)
