"""Stages that are run as shards, as a person runs them."""

import json
import os
import signal
import subprocess
import time
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from taximeter.report.build import build
from taximeter.report.records import StageInstrumentation
from taximeter.rundir import RunDir
from tests.run.pipelines import TAXIMETER, here, lines, recipe, run, taximeter  # noqa: F401 (a fixture)

pytestmark = pytest.mark.usefixtures("here")

UPPER = """\
import json, os, sys, taximeter
taximeter_shard = os.environ.get("TAXIMETER_SHARD")
with open(sys.argv[1]) as rows, open(sys.argv[2], "w") as out:
    for line in rows:
        row = json.loads(line)
        taximeter.log_llm_usage("big", 1000 * row["n"], 100)
        if os.environ["TAXIMETER_ATTEMPT"] in row.get("fails", []):
            sys.exit(row.get("code", 9))
        out.write(json.dumps({"n": row["n"], "by": taximeter_shard}) + "\\n")
"""


def rows(*of: dict[str, Any]) -> None:
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in of))
    Path("upper.py").write_text(UPPER)


def numbered(count: int, **special: dict[str, Any]) -> None:
    rows(*({"n": n} | special.get(f"n{n}", {}) for n in range(1, count + 1)))


def upper(**more: Any) -> dict[str, Any]:
    command = ["python", "upper.py", "{inputs.rows}", "{out}"]
    return {"id": "a", "run": command, "inputs": {"rows": "rows.jsonl"}, "shards": 4, **more}


def shell(script: str, **more: Any) -> dict[str, Any]:
    return {"id": "a", "run": script, "inputs": {"rows": "rows.jsonl"}, "shards": 4, **more}


def the_stage(run: RunDir) -> StageInstrumentation:
    return build(run).stages[0]


def artifact(run: RunDir) -> list[dict[str, Any]]:
    return lines(run.path / "01_a" / "artifact.jsonl")


def adds_up(of: StageInstrumentation) -> bool:
    costs = [shard.llm_totals.cost or Decimal(0) for shard in of.shards]
    calls = sum(shard.llm_totals.calls for shard in of.shards)
    cpu = sum(shard.cpu_user_seconds or 0 for shard in of.shards)
    return (
        sum(costs) == (of.llm_totals.cost or 0)
        and calls == of.llm_totals.calls
        and cpu == pytest.approx(of.cpu_user_seconds or 0)
    )


def test_shards_share_the_rows_and_their_artifacts_are_joined_in_order() -> None:
    numbered(10)
    recipe([upper(), {"id": "b", "run": "wc -l < {inputs.a} > {out}", "inputs": {"a": "a"}, "out": "n.txt"}])
    done = run("--jobs", "3")
    assert [(row["n"], row["by"]) for row in artifact(done)] == [
        *((n, "0") for n in (1, 2, 3)),
        *((n, "1") for n in (4, 5, 6)),
        *((n, "2") for n in (7, 8)),
        *((n, "3") for n in (9, 10)),
    ]
    assert (done.path / "02_b" / "n.txt").read_text().strip() == "10"
    a = the_stage(done)
    assert (a.status, a.items_in, a.items_out, a.llm_totals.calls) == ("done", 10, 10, 10)
    assert [(s.shard, s.status, s.items_in, s.items_out, s.llm_totals.calls) for s in a.shards] == [
        (0, "done", 3, 3, 3), (1, "done", 3, 3, 3), (2, "done", 2, 2, 2), (3, "done", 2, 2, 2),
    ]  # fmt: skip
    assert adds_up(a)
    assert a.llm_totals.cost == Decimal("0.18")
    assert [len(s.attempts) for s in a.shards] == [1, 1, 1, 1]
    for number in range(4):
        assert (done.path / f"01_a/shards/{number}/log.1.txt").exists()
        assert (done.path / f"01_a/shards/{number}/usage.1.json").exists()


def test_a_command_is_told_its_shard_and_has_a_folder_of_its_own() -> None:
    numbered(4)
    of_shard = "{shard.index} {shard.count} {stage_dir} $TAXIMETER_SHARD $TAXIMETER_SHARD_COUNT"
    recipe([shell(f"echo - {of_shard} > {{out}}")])
    done = run()
    parts = [f"01_a/shards/{n}" for n in range(4)]
    text = (done.path / "01_a" / "artifact.jsonl").read_text().splitlines()
    assert [line.split()[1:] for line in text] == [
        [str(n), "4", str(done.path.absolute() / part), str(n), "4"] for n, part in enumerate(parts)
    ]


def test_what_a_run_around_this_one_says_of_shards_is_not_handed_on() -> None:
    recipe([{"id": "a", "run": 'echo "[$TAXIMETER_SHARD$TAXIMETER_SHARD_COUNT]" > {out}', "out": "o.txt"}])
    taximeter("run", "recipe.yaml", "--run-id", "r", TAXIMETER_SHARD="3", TAXIMETER_SHARD_COUNT="9")
    assert Path("output/runs/r/01_a/o.txt").read_text() == "[]\n"


@pytest.mark.parametrize(("count", "shards"), [(0, 1), (1, 1), (3, 3), (4, 4), (9, 4)])
def test_there_are_no_more_shards_than_rows(count: int, shards: int) -> None:
    numbered(count)
    recipe([upper()])
    done = run()
    a = the_stage(done)
    assert [s.shard for s in a.shards] == list(range(shards))
    assert [row["n"] for row in artifact(done)] == list(range(1, count + 1))


def test_no_more_shards_run_at_a_time_than_jobs() -> None:
    numbered(6)
    recipe(
        [
            shell("sleep 0.2; cat {inputs.rows} > {out}", shards=6),
            shell("sleep 0.2; cat {inputs.rows}", id="b", shards=2),
        ]
    )
    done = run("--jobs", "3")
    events = sorted(
        (moment, change)
        for stage in build(done).stages
        for shard in stage.shards
        for moment, change in ((shard.started_at or "", 1), (shard.ended_at or "", -1))
    )
    level, most = 0, 0
    for _, change in events:
        level += change
        most = max(most, level)
    assert most == 3


def test_resources_are_those_of_a_shard() -> None:
    numbered(3)
    recipe([shell("sleep 0.1; cat {inputs.rows} > {out}", shards=3, resources={"cpus": 2})])
    shards = the_stage(run("--jobs", "3")).shards
    ordered = sorted((s.started_at or "", s.ended_at or "") for s in shards)
    assert all(before[1] <= after[0] for before, after in pairwise(ordered))


def test_auto_is_as_many_as_jobs() -> None:
    numbered(9)
    recipe([upper(shards="auto")])
    assert len(the_stage(run("--jobs", "3")).shards) == 3


def test_each_shard_is_tried_and_billed_on_its_own() -> None:
    numbered(8, n3={"fails": ["1", "2"]}, n8={"fails": ["1"]})
    recipe([upper(retries={"count": 2})])
    done = run("--jobs", "2")
    a = the_stage(done)
    assert [[t.status for t in s.attempts] for s in a.shards] == [
        ["done"], ["failed", "failed", "done"], ["done"], ["failed", "done"],
    ]  # fmt: skip
    assert a.shards[1].llm_totals.calls == 4
    assert adds_up(a)
    assert [row["n"] for row in artifact(done)] == list(range(1, 9))
    told = [line["message"] for line in lines(done.progress) if line["message"]]
    assert "shard 1: exit code 9; retry 1 of 2" in told
    assert len(a.attempts) == 1


def test_a_shard_that_fails_for_good_fails_the_stage_and_nothing_is_started_any_more() -> None:
    numbered(4, n2={"fails": ["1", "2"]})
    recipe([upper(), {"id": "b", "run": "true", "needs": ["a"]}])
    done = run(code=1)
    report = build(done)
    a, b = report.stages
    assert (a.status, b.status) == ("failed", "skipped")
    assert [s.status for s in a.shards] == ["done", "failed", "skipped", "skipped"]
    assert report.error == "stage a: shard 1: exit code 9"
    assert a.attempts[0].error == "shard 1: exit code 9"
    assert not (done.path / "01_a" / "artifact.jsonl").exists()
    assert a.llm_totals.calls == 2 and adds_up(a)


def test_with_keep_going_the_others_are_run_and_later_only_what_failed() -> None:
    numbered(4, n2={"fails": ["1"]})
    recipe([upper(), {"id": "b", "run": "true", "needs": ["a"]}])
    done = run("--keep-going", code=1)
    a = the_stage(done)
    assert [s.status for s in a.shards] == ["done", "failed", "done", "done"]
    run("--skip-done")
    a, b = build(done).stages
    assert (a.status, b.status) == ("done", "done")
    assert [len(s.attempts) for s in a.shards] == [1, 2, 1, 1]
    assert len(a.attempts) == 2
    assert [row["n"] for row in artifact(done)] == [1, 2, 3, 4]
    assert a.llm_totals.calls == 5 and adds_up(a)
    assert (a.items_in, a.items_out) == (4, 4)
    run("--skip-done")
    assert the_stage(done).status == "reused"
    assert the_stage(done).llm_totals.calls == 5


@pytest.mark.slow
def test_what_changes_the_shares_makes_all_shards_run_again() -> None:
    numbered(4)
    recipe([upper()])
    run()
    recipe([upper(shards=2)])
    a = the_stage(run("--skip-done"))
    assert [len(s.attempts) for s in a.shards] == [2, 2, 1, 1]
    assert a.spread is not None and a.spread.count == 2
    assert adds_up(a)
    recipe([upper(shards=None)])
    a = the_stage(run("--skip-done"))
    assert [(s.shard, len(s.attempts)) for s in a.shards] == [(0, 2), (1, 2), (2, 1), (3, 1), (None, 1)]
    assert a.spread is None and adds_up(a)


@pytest.mark.slow
def test_another_run_takes_the_stage_over_without_its_shards() -> None:
    numbered(4)
    recipe([upper()])
    first = run()
    taximeter("run", "recipe.yaml", "--run-id", "second", "--resume", "r")
    second = RunDir(Path("output/runs/second"))
    assert (the_stage(second).status, the_stage(second).reused_from) == ("reused", "r")
    assert artifact(second) == artifact(first)
    assert not (second.path / "01_a" / "shards").exists()
    taximeter("run", "recipe.yaml", "--run-id", "r", "--start-from", "a")
    assert [len(s.attempts) for s in the_stage(first).shards] == [2, 2, 2, 2]


def test_each_shard_has_its_own_timeout() -> None:
    numbered(3)
    recipe([shell("[ {shard.index} = 1 ] && sleep 60; cat {inputs.rows} > {out}", timeout=0.5, shards=3)])
    a = the_stage(run("--keep-going", code=1))
    assert [s.status for s in a.shards] == ["done", "failed", "done"]
    assert "timeout" in (a.attempts[0].error or "")


def test_the_budget_of_a_stage_is_that_of_its_shards_together() -> None:
    numbered(8)
    recipe([upper(budget={"calls": 5}), {"id": "b", "run": "true"}])
    done = run("--keep-going", code=3)
    a, b = build(done).stages
    assert (a.status, b.status) == ("over_budget", "done")
    assert [s.status for s in a.shards][0] == "done"
    assert {s.status for s in a.shards[3:]} <= {"over_budget", "skipped"}
    assert a.llm_totals.calls >= 5 and adds_up(a)


SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "maximum": 6}}}


@pytest.mark.slow
def test_rows_of_each_shard_are_checked_and_stamped() -> None:
    numbered(8)
    module = {"module_id": "m", "command": "{python} upper.py {inputs.rows} {out}", "output_schema": "n.json"}
    Path("modules/m").mkdir(parents=True)
    Path("modules/m/module.yaml").write_text(json.dumps(module))
    Path("modules/m/n.json").write_text(json.dumps(SCHEMA))
    stage = {"id": "a", "module": "m", "inputs": {"rows": "rows.jsonl"}, "shards": 4}
    recipe([stage])
    done = run("--keep-going", code=1)
    a = the_stage(done)
    assert [s.status for s in a.shards] == ["done", "done", "done", "failed"]
    error = a.attempts[0].error or ""
    assert error.startswith("shard 3: 2 of 2 rows do not fit n: 01_a/shards/3/artifact.jsonl:1: ")
    numbered(6)
    run("--skip-done")
    assert [(row["n"], row["schema_version"], row["run_id"]) for row in artifact(done)] == [
        (n, "n", "r") for n in range(1, 7)
    ]


def test_an_input_that_cannot_be_shared_out_fails_the_stage() -> None:
    numbered(1)
    Path("folder.jsonl").mkdir()
    recipe([upper(inputs={"rows": "folder.jsonl"})])
    done = run(code=1)
    a = the_stage(done)
    assert a.status == "failed"
    assert "its input rows cannot be shared out" in (a.attempts[0].error or "")


def test_what_a_shard_tells_stands_in_its_own_files() -> None:
    numbered(2)
    call = '{"schema_version": "instrumentation_call_v1", "model": "big", "prompt_tokens": 1000}'
    items = '{"schema_version": "instrumentation_items_v1", "items": 7}'
    progress = '{"current": 3, "total": 10, "message": "busy"}'
    script = (
        f"echo '{call}' >> $INSTRUMENT_SINK; echo '{items}' >> $INSTRUMENT_SINK; echo '{progress}' >> {{progress_file}}"
    )
    recipe([shell(script + "; cat {inputs.rows} > {out}", shards=2)])
    done = run()
    a = the_stage(done)
    assert [(s.items_out, s.llm_totals.calls, s.llm_totals.prompt_tokens) for s in a.shards] == [(7, 1, 1000)] * 2
    assert (a.items_out, a.llm_totals.calls) == (14, 2)
    assert [call.shard for call in a.llm_calls] == [0, 1]
    state = json.loads(done.state.read_text())["stages"]["a"]
    assert (state["status"], state["artifact"]) == ("done", "01_a/artifact.jsonl")
    assert (state["progress"]["current"], state["progress"]["total"]) == (6, 20)
    assert a.progress is not None and (a.progress.current, a.progress.total) == (6, 20)
    told = [line for line in lines(done.progress) if line["message"] == "busy"]
    assert [(line["extra"]["shard"], line["current"], line["total"]) for line in told] == [(0, 3, 20), (1, 6, 20)]


def test_shards_without_metering() -> None:
    numbered(5)
    recipe([shell("cat {inputs.rows} > {out}")], instrumentation={"enabled": False})
    done = run()
    assert [row["n"] for row in artifact(done)] == [1, 2, 3, 4, 5]
    text = taximeter("show", "r").stdout
    assert "4 of 4 done" in text


def test_what_would_be_run_is_told_before() -> None:
    numbered(4)
    recipe([upper()])
    text = taximeter("run", "recipe.yaml", "--run-id", "r", "--dry-run").stdout
    assert "a: run, as 4 shards at most, the first of them" in text
    assert "01_a/shards/0.jsonl" in text
    told = json.loads(taximeter("run", "recipe.yaml", "--run-id", "r", "--dry-run", "--json").stdout)
    assert told["stages"][0]["shards"] == 4
    plan = json.loads(taximeter("run", "recipe.yaml", "--dump-plan").stdout)
    assert (plan["stages"][0]["shards"], plan["stages"][0]["shard_input"]) == (4, "rows")
    assert not Path("output").exists()


def test_the_tables_have_a_column_of_shards() -> None:
    numbered(4, n2={"fails": ["1"]})
    recipe([upper(retries={"count": 1})])
    run()
    for table, counts in (("attempts", {0: 1, 1: 2, 2: 1, 3: 1}), ("calls", {0: 1, 1: 2, 2: 1, 3: 1})):
        question = f"select shard, count(*) as n from {table} where stage_id = 'a' group by shard order by shard"
        answer = json.loads(taximeter("query", question, "--json").stdout)
        assert {row["shard"]: row["n"] for row in answer["rows"]} == counts
    question = "select count(*) as n from spans where kind = 'stage' and shard is not null"
    assert json.loads(taximeter("query", question, "--json").stdout)["rows"] == [{"n": 5}]


def _started(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*TAXIMETER, "run", "recipe.yaml", "--run-id", "r", *arguments], stderr=subprocess.DEVNULL)


def _await(pattern: str, count: int) -> None:
    end = time.monotonic() + 30
    while len(list(Path().glob(pattern))) < count:
        assert time.monotonic() < end
        time.sleep(0.02)


SLEEPER = "touch started.{shard.index}; [ {shard.index} = 0 ] || [ -e $PWD/go ] || sleep 321; cat {inputs.rows} > {out}"


def _sleepers() -> list[str]:
    return subprocess.run(["pgrep", "-f", "sleep 321"], capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_shards(number: signal.Signals) -> None:
    numbered(4)
    recipe([shell(SLEEPER)])
    driver = _started("--jobs", "3")
    _await("started.*", 4)
    driver.send_signal(number)
    assert driver.wait(30) == 128 + number
    a = the_stage(RunDir(Path("output/runs/r")))
    assert a.status == "cancelled"
    assert [s.status for s in a.shards][0] == "done"
    assert "cancelled" in [s.status for s in a.shards]
    assert not _sleepers()


def test_after_a_driver_was_killed_what_its_shards_had_done_is_not_done_again() -> None:
    numbered(4)
    recipe([shell(SLEEPER)])
    driver = _started("--jobs", "3")
    _await("started.*", 4)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    end = time.monotonic() + 10
    while _sleepers() and time.monotonic() < end:
        time.sleep(0.05)
    assert not _sleepers()
    report = build(RunDir(Path("output/runs/r")))
    assert report.status == "lost"
    assert [s.status for s in report.stages[0].shards] == ["done", "lost", "lost", "lost"]
    Path("go").touch()
    a = the_stage(run("--skip-done"))
    assert a.status == "done"
    assert [len(s.attempts) for s in a.shards] == [1, 2, 2, 2]
