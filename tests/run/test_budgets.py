"""Budgets of real runs: what is spent ends what spends."""

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from taximeter.budget import Budget
from taximeter.report.build import open_books
from taximeter.run.budgets import Budgets
from tests.recipes import page
from tests.run.pipelines import here, lines, recipe, run, taximeter
from tests.runs import Writing, call, plan, read_json, stage

__all__ = ["here"]  # a fixture

SPEND = """
import sys, time, taximeter
for n in range(int(sys.argv[1])):
    taximeter.log_llm_usage(sys.argv[2] if len(sys.argv) > 2 else "big", 1000, 0)  # $0.003
    print(n, flush=True)
    time.sleep(0.05)
"""
ENDLESS = [sys.executable, "spend.py", "1000"]


@pytest.fixture(autouse=True)
def spend(here: Path) -> None:
    Path("spend.py").write_text(SPEND)


@pytest.mark.slow
def test_a_stage_is_stopped_in_the_middle_and_a_resume_finishes_it(here: Path) -> None:
    """What was spent is counted once, and what was made before stays."""
    stages = [
        {"id": "first", "run": [sys.executable, "spend.py", "2"]},
        {"id": "second", "run": "{python} spend.py $(cat count) > {out}", "out": "said.txt", "needs": ["first"]},
        {"id": "third", "run": "true", "needs": ["second"]},
    ]
    Path("count").write_text("1000")
    recipe(stages, budget={"cost": 0.03})
    found = run(code=3)
    report = read_json(found.report_json)
    statuses = [stage["status"] for stage in report["stages"]]
    assert statuses == ["done", "over_budget", "skipped"]
    assert (report["status"], report["error"]) == ("over_budget", report["stages"][1]["attempts"][0]["error"])
    assert report["error"].startswith("the budget of the run is used up: $0.0")
    made = int((found.path / "02_second/said.txt").read_text().splitlines()[-1]) + 1
    spent = report["totals"]["cost"]
    assert spent == Decimal("0.003") * report["totals"]["calls"]
    assert Decimal("0.03") <= spent <= Decimal("0.06")
    assert abs(report["stages"][1]["llm_totals"]["calls"] - made) <= 1  # one more may be between the call and the print
    assert read_json(found.state)["status"] == "over_budget"
    assert lines(Path("output/run_manifest.jsonl"))[-1]["status"] == "over_budget"

    Path("count").write_text("3")
    run("--skip-done", "--budget", "5", code=0)
    again = read_json(found.report_json)
    assert [stage["status"] for stage in again["stages"]] == ["reused", "done", "done"]
    assert again["totals"]["cost"] == spent + 3 * Decimal("0.003")
    assert again["budget"][0] == {"figure": "cost", "used": again["totals"]["cost"], "limit": 5}


@pytest.mark.slow
def test_with_the_same_budget_a_resume_spends_nothing_more(here: Path) -> None:
    recipe([{"id": "a", "run": ENDLESS}], budget={"calls": 3})
    found = run(code=3)
    before = read_json(found.report_json)["totals"]
    run("--skip-done", code=3)
    assert read_json(found.report_json)["totals"] == before


def test_a_stage_has_a_budget_of_its_own(here: Path) -> None:
    stages = [
        {"id": "a", "run": ENDLESS, "budget": {"calls": 4}},
        {"id": "b", "run": [sys.executable, "spend.py", "5"]},
        {"id": "c", "run": "true", "needs": ["a"]},
    ]
    recipe(stages)
    found = run("--keep-going", "--jobs", "2", code=3)
    report = read_json(found.report_json)
    assert [stage["status"] for stage in report["stages"]] == ["over_budget", "done", "skipped"]
    assert 4 <= report["stages"][0]["llm_totals"]["calls"] <= 15
    assert report["stages"][0]["budget"][0]["figure"] == "calls"


def test_time_is_a_budget_too(here: Path) -> None:
    recipe([{"id": "a", "run": "sleep 60", "budget": {"wall": "300ms"}}])
    report = read_json(run(code=3).report_json)
    assert report["stages"][0]["status"] == "over_budget"
    assert report["wall_seconds"] < 20


def test_a_stage_that_has_a_retry_is_not_tried_again(here: Path) -> None:
    recipe([{"id": "a", "run": ENDLESS, "retries": {"count": 5}}], budget={"calls": 2})
    assert len(read_json(run(code=3).report_json)["stages"][0]["attempts"]) == 1


def test_a_program_that_refuses_a_call_itself_is_over_budget_and_not_failed(here: Path) -> None:
    code = "import taximeter\nwhile True:\n    taximeter.admit()\n    taximeter.log_llm_usage('big', 1000, 0)\n"
    Path("polite.py").write_text(code)
    recipe([{"id": "a", "run": [sys.executable, "polite.py"]}], budget={"calls": 7})
    report = read_json(run(code=3).report_json)
    assert (report["stages"][0]["status"], report["totals"]["calls"]) == ("over_budget", 7)
    assert "BudgetExceeded: the budget is used up: 7 of 7 (100 %)" in Path("output/runs/r/01_a/log.1.txt").read_text()


def test_spending_all_of_it_is_no_failure(here: Path) -> None:
    line = '{"schema_version":"instrumentation_call_v1","model":"big","prompt_tokens":1000,"completion_tokens":0}'
    recipe(
        [{"id": "a", "run": f"echo '{line}' >> $INSTRUMENT_SINK".replace("{", "{{").replace("}", "}}")}],
        budget={"calls": 1},
    )
    report = read_json(run().report_json)
    assert (report["status"], report["stages"][0]["status"]) == ("done", "done")


@pytest.mark.parametrize(("limit", "told"), [(2, ["the budget of stage a is used up: 3 of 2 (150 %)"]), (3, [])])
def test_a_stage_that_spent_too_much_before_anybody_looked_is_named(here: Path, limit: int, told: list[str]) -> None:
    planned = stage(1, "a", budget=Budget(calls=limit))
    writing = Writing(here, plan([planned]))
    writing.start("a")
    writing.sink("a", *[call(prompt_tokens=1, completion_tokens=1)] * 3)
    writing.end("a")
    said: list[str] = []
    Budgets(open_books(writing.run), writing.clock, said.append).look_back(planned)
    assert said == told


def test_a_call_without_a_price_can_end_a_run(here: Path) -> None:
    recipe([{"id": "a", "run": [*ENDLESS, "who-knows"]}], budget={"cost": 5, "on_unpriced": "stop"})
    assert "without a full price" in read_json(run(code=3).report_json)["error"]


def test_a_person_is_warned_before(here: Path) -> None:
    recipe([{"id": "a", "run": [sys.executable, "spend.py", "9"], "budget": {"calls": 11}}], budget={"calls": 10})
    said = taximeter("run", "recipe.yaml").stderr
    assert said.count("the budget of the run is nearly used up: ") == 1
    assert said.count("the budget of stage a is nearly used up: ") == 1


def test_a_run_is_over_its_budget_however_quick_its_last_stage_was(here: Path) -> None:
    Path("quick.jsonl").write_text('{"schema_version": "instrumentation_call_v1", "model": "big"}\n' * 11)
    recipe([{"id": "a", "run": "cat quick.jsonl >> $INSTRUMENT_SINK"}], budget={"calls": 10})
    report = read_json(run(code=3).report_json)
    assert (report["status"], report["stages"][0]["status"]) == ("over_budget", "done")


def test_a_budget_needs_somebody_who_counts(here: Path) -> None:
    text = json.dumps({"budget": {"cost": 1}, "stages": [{"run": "true", "stage": "a", "budget": {"calls": 1}}]})
    told = page(text)
    assert [line.partition(": ")[2] for line in told] == [
        "the run is not metered, so nobody counts what is spent [add --instrument]"
    ] * 2
    said = taximeter("run", recipe([{"stage": "a", "run": "true"}], instrumentation={}), "--budget", "5", code=2).stderr
    assert said == "--budget: the run is not metered, so nobody counts what is spent\n    add --instrument\n"


def test_money_needs_prices(here: Path) -> None:
    Path("prices.yaml").write_text("models: {}\n")
    stages = [{"id": "a", "run": "true", "budget": {"cost": 1}}]
    recipe(stages, budget={"cost": 1})
    said = taximeter("run", "recipe.yaml", code=2).stderr
    message = "the price sheet has no prices, so no cost can be limited"
    assert f"budget: {message}\n" in said
    assert f"stages.a.budget: {message}\n" in said


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ("{}", "the budget has no limit"),
        ("{cost: 0}", "0"),
        ("{cost: -1}", "0"),
        ("{cost: '5'}", "write 5 without quotes"),
        ("{calls: 1.5}", "calls"),
        ("{wall: soon}", "write it like 90, 1.5s, 30m or 1h 30m"),
        ("{money: 1}", "money"),
        ("5", "budget"),
    ],
)
def test_a_budget_that_is_written_wrong_is_told_with_its_place(here: Path, budget: str, told: str) -> None:
    (line,) = page(f"instrumentation: {{enabled: true}}\nbudget: {budget}\nstages: [{{stage: a, run: 'true'}}]\n")
    assert line.startswith("r.yaml:2:")
    assert told in line


def test_a_run_configuration_can_say_it(here: Path) -> None:
    recipe([{"id": "a", "run": ENDLESS}], budget={"calls": 900})
    Path("run.yaml").write_text("recipe: recipe.yaml\nbudget: {calls: 3}\n")
    taximeter("run", "--config", "run.yaml", "--run-id", "r", code=3)
    assert read_json(Path("output/runs/r/instrumentation.json"))["budget"][0]["limit"] == 3


# -- of a command -----------------------------------------------------------------------------------------------------

EXEC = ("exec", "--run-id", "r", "--price-table", "prices.yaml", "--budget")


def of_the_command() -> dict[str, Any]:
    return read_json(Path("output/runs/r/instrumentation.json"))


def test_a_command_is_ended_by_its_budget(here: Path) -> None:
    said = taximeter(*EXEC, "0.03", "--", *ENDLESS, code=3).stderr
    report = of_the_command()
    assert (report["status"], report["stages"][0]["status"]) == ("over_budget", "over_budget")
    assert report["error"].startswith("the budget of the run is used up: $0.0")
    assert Decimal("0.03") <= report["totals"]["cost"] <= Decimal("0.06")
    assert report["budget"][0]["limit"] == Decimal("0.03")
    assert said.count("taximeter: the budget of the run is nearly used up: ") <= 1  # both may be seen at one look
    assert lines(Path("output/run_manifest.jsonl"))[-1]["status"] == "over_budget"


def test_a_command_that_knows_nothing_of_budgets_is_told_to_end_once(here: Path) -> None:
    line = '{"schema_version":"instrumentation_call_v1","model":"big","prompt_tokens":1000,"completion_tokens":0}'
    spend, wait = f"echo '{line}' >> $INSTRUMENT_SINK", "while :; do sleep 0.05; done"
    script = f"trap 'echo told >> told; sleep 1; exit 9' TERM; {spend}; {wait}"
    taximeter(*EXEC, "calls=1", "--", "sh", "-c", script, code=3)
    assert Path("told").read_text() == "told\n"
    assert of_the_command()["stages"][0]["exit_code"] == 9


def test_a_command_that_refuses_a_call_itself_is_over_budget(here: Path) -> None:
    code = "import taximeter\nwhile True:\n    taximeter.admit()\n    taximeter.log_llm_usage('big', 1000, 0)\n"
    assert "BudgetExceeded: " in taximeter(*EXEC, "calls=7", "--", sys.executable, "-c", code, code=3).stderr
    assert (of_the_command()["status"], of_the_command()["totals"]["calls"]) == ("over_budget", 7)


def test_a_command_within_its_budget_ends_as_it_does(here: Path) -> None:
    taximeter(*EXEC, "calls=3,wall=1h", "--", sys.executable, "spend.py", "2")
    assert of_the_command()["status"] == "done"
    taximeter("exec", "--run-id", "s", "--budget", "calls=2", "--", "sh", "-c", "exit 4", code=4)


def test_money_of_a_command_needs_prices(here: Path) -> None:
    Path("prices.yaml").write_text("models: {}\n")
    said = taximeter(*EXEC, "1", "--", "touch", "ran", code=2).stderr
    assert "budget: the price sheet has no prices, so no cost can be limited\n" in said
    assert "'soon' is not a duration" in taximeter(*EXEC, "wall=soon", "--", "touch", "ran", code=2).stderr
    assert not Path("ran").exists()
    assert not Path("output/runs/r").exists()
