"""Runs that go on: every flag by which a person says what is to be run again."""

import json
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from taximeter.rundir import RunDir
from tests.cli.conftest import Cli
from tests.recipes import write
from tests.runs import read_json
from tests.stages import wait_until

RUN = Path("output/runs/r")
CALL = '{"schema_version":"instrumentation_call_v1","model":"big","prompt_tokens":1000}'
SAY = f"echo '{CALL}' >> $INSTRUMENT_SINK; "
"""Each attempt of a stage makes one call, which costs 0.003."""

CHAIN = [
    {"id": "a", "run": SAY + "cat {inputs.x} > {out}; echo a >> ran", "inputs": {"x": "in.txt"}},
    {"id": "b", "run": SAY + "cat {inputs.x} > {out}; echo b >> ran", "inputs": {"x": "a"}},
    {"id": "c", "run": SAY + "cat {inputs.x} > {out}; echo c >> ran", "inputs": {"x": "b"}},
    {"id": "other", "run": SAY + "echo other >> ran"},
]


def recipe(stages: list[dict[str, Any]] = CHAIN, **more: Any) -> None:
    write("in.txt", "one")
    write("prices.yaml", "models: {big: {prompt_per_1k: 0.003, completion_per_1k: 0.015}}\n")
    metered = {"enabled": True, "price_table": "prices.yaml"}
    write("r.yaml", json.dumps({"name": "test", "instrumentation": metered, **more, "stages": stages}))


def ran() -> list[str]:
    """The stages whose commands were run since the last time one asked."""
    found = Path("ran").read_text().split() if Path("ran").exists() else []
    Path("ran").unlink(missing_ok=True)
    return found


def report(run: Path = RUN) -> dict[str, Any]:
    return read_json(run / "instrumentation.json")


def statuses(run: Path = RUN) -> list[str]:
    return [stage["status"] + (" stale" if stage["stale"] else "") for stage in report(run)["stages"]]


def first(cli: Cli, *flags: str, code: int = 0) -> None:
    cli("run", "r.yaml", "--run-id", "r", *flags, code=code)
    ran()


def again(cli: Cli, *flags: str, code: int = 0) -> list[str]:
    cli("run", "r.yaml", "--run-id", "r", *flags, code=code)
    return ran()


def test_an_existing_run_is_an_error_that_names_the_flags_that_help(cli: Cli) -> None:
    recipe()
    first(cli)
    said = cli("run", "r.yaml", "--run-id", "r", code=2).err
    assert "exists already" in said
    for flag in ("--run-id", "--skip-done", "--start-from", "--allow-run-id-reuse", "--force"):
        assert flag in said
    assert ran() == []


def test_what_has_not_changed_is_reused_and_billed_once(cli: Cli) -> None:
    recipe()
    first(cli)
    before = report()
    assert again(cli, "--skip-done") == []
    now = report()
    assert [stage["status"] for stage in now["stages"]] == ["reused"] * 4
    assert now["totals"] == before["totals"]
    assert now["totals"]["cost"] == Decimal("0.012")
    for old, new in zip(before["stages"], now["stages"], strict=True):
        assert (new["attempts"], new["wall_seconds"]) == (old["attempts"], old["wall_seconds"])
        assert (new["llm_totals"], new["reused_from"], new["reused"]) == (old["llm_totals"], None, None)
    assert now["status"] == "done"
    assert now["wall_seconds"] > before["wall_seconds"]
    assert now["started_at"] == before["started_at"] < now["ended_at"]


def test_the_list_of_runs_has_a_run_that_was_gone_on_with_once(cli: Cli) -> None:
    recipe()
    first(cli)
    first(cli, "--skip-done")
    (line,) = json.loads(cli("runs", "--json").out)["runs"]
    assert (line["run_id"], line["status"]) == ("r", "done")
    assert line["totals"]["calls"] == 4
    assert line["created_at"] < line["started_at"] < line["ended_at"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda stages: stages[0].update(run=stages[0]["run"] + "; true"), ["a"]),  # b reads the same as before
        (lambda stages: stages[1].update(run=stages[1]["run"] + "; echo more >> {out}"), ["b", "c"]),
        (lambda stages: stages[2].update(params={"n": 1}), ["c"]),
        (lambda stages: stages[2].update(env={"N": "1"}), ["c"]),
        (lambda stages: stages[3].update(needs=["a"]), ["other"]),
        (lambda stages: stages[0].update(description="only words"), []),
        (lambda stages: write("in.txt", "two"), ["a", "b", "c"]),
        (lambda stages: Path(RUN, "02_b/artifact.jsonl").unlink(), ["b"]),
    ],
    ids=["command", "artifact", "params", "env", "needs", "description", "input", "artifact gone"],
)
def test_what_has_changed_is_run_again(cli: Cli, change: Any, expected: list[str]) -> None:
    recipe()
    first(cli)
    stages = json.loads(json.dumps(CHAIN))
    text = Path("in.txt").read_text()
    change(stages)
    changed = Path("in.txt").read_text()
    recipe(stages)
    write("in.txt", changed if changed != text else text)
    assert again(cli, "--skip-done") == expected
    assert report()["totals"]["calls"] == 4 + len(expected)
    assert [len(stage["attempts"]) for stage in report()["stages"]] == [1 + (i in expected) for i in "abc"] + [
        1 + ("other" in expected)
    ]


def test_who_only_waits_for_a_stage_is_run_again_when_that_stage_is_another(cli: Cli) -> None:
    stages = [{"id": "a", "run": "echo a >> ran"}, {"id": "b", "run": "echo b >> ran", "needs": ["a"]}]
    recipe(stages)
    first(cli)
    stages[0]["run"] += "; true"
    recipe(stages)
    assert again(cli, "--skip-done") == ["a", "b"]


def test_a_file_that_a_command_names_is_its_source(cli: Cli) -> None:
    write("say.sh", "echo a >> ran")
    write("other.sh", "echo a >> ran")
    recipe([{"id": "list", "run": ["sh", "say.sh"]}, {"id": "shell", "run": "sh ./other.sh </dev/null|cat"}])
    first(cli)
    assert again(cli, "--skip-done") == []
    write("say.sh", "echo b >> ran")
    assert again(cli, "--skip-done") == ["b"]
    write("other.sh", "echo c >> ran")
    assert again(cli, "--skip-done") == ["c"]


def test_the_source_of_a_module_is_its_folder(cli: Cli) -> None:
    write("modules/m/module.yaml", "module_id: m\nstage: m\nentrypoint: main.py\n")
    write("modules/m/main.py", "import sys, helper\nopen(sys.argv[2], 'w')\nopen('ran', 'a').write(helper.NAME)\n")
    write("modules/m/helper.py", "NAME = 'first'\n")
    recipe([{"id": "m", "module": "m"}])
    first(cli)
    assert again(cli, "--skip-done") == []  # its __pycache__ is new
    write("modules/m/helper.py", "NAME = 'second'\n")
    assert again(cli, "--skip-done") == ["second"]


def test_a_folder_that_is_read_counts_with_all_that_is_in_it(cli: Cli) -> None:
    write("data/deep/x", "1")
    recipe([{"id": "a", "run": "echo a >> ran", "inputs": {"x": "data"}}])
    first(cli)
    assert again(cli, "--skip-done") == []
    write("data/deep/x", "2")
    assert again(cli, "--skip-done") == ["a"]
    write("data/new", "")
    assert again(cli, "--skip-done") == ["a"]


def test_a_run_that_failed_goes_on_from_there(cli: Cli) -> None:
    stages = json.loads(json.dumps(CHAIN))
    stages[1]["run"] = "echo partly > {out}; test -e mended || exit 1; " + stages[1]["run"]
    recipe(stages)
    first(cli, code=1)
    assert statuses() == ["done", "failed", "skipped", "skipped"]
    write("mended")
    assert again(cli, "--skip-done") == ["b", "c", "other"]
    found = report()
    assert [stage["status"] for stage in found["stages"]] == ["reused", "done", "done", "done"]
    assert [(a["attempt"], a["status"], a["last"]) for a in found["stages"][1]["attempts"]] == [
        (1, "failed", False),
        (2, "done", True),
    ]
    assert Path(RUN, "02_b/artifact.jsonl").read_text() == "one"
    assert found["error"] is None


def test_allow_run_id_reuse_runs_every_stage_again_and_bills_every_attempt(cli: Cli) -> None:
    recipe()
    first(cli)
    assert again(cli, "--allow-run-id-reuse") == ["a", "b", "c", "other"]
    found = report()
    assert (found["totals"]["calls"], found["totals"]["cost"]) == (8, Decimal("0.024"))
    assert [[a["attempt"] for a in stage["attempts"]] for stage in found["stages"]] == [[1, 2]] * 4
    assert [stage["llm_totals"]["calls"] for stage in found["stages"]] == [2] * 4
    assert found["stages"][0]["wall_seconds"] > max(a["wall_seconds"] for a in found["stages"][0]["attempts"])
    assert {p.name for p in Path(RUN, "01_a").iterdir()} >= {"calls.1.jsonl", "calls.2.jsonl", "log.2.txt"}


def test_force_discards_everything_and_starts_over(cli: Cli) -> None:
    recipe()
    first(cli)
    write(str(RUN / "01_a/mine.txt"))
    assert again(cli, "--force") == ["a", "b", "c", "other"]
    assert report()["totals"]["calls"] == 4
    assert [len(stage["attempts"]) for stage in report()["stages"]] == [1] * 4
    assert not Path(RUN, "01_a/mine.txt").exists()


def test_force_leaves_a_folder_alone_that_is_no_run(cli: Cli) -> None:
    recipe()
    write("output/runs/r/thesis.tex")
    assert "not the directory of a run" in cli("run", "r.yaml", "--run-id", "r", "--force", code=2).err
    assert Path("output/runs/r/thesis.tex").exists()


def test_start_from_runs_the_stage_and_all_that_depends_on_it(cli: Cli) -> None:
    recipe()
    first(cli)
    write("in.txt", "two")  # whatever has changed before the stage
    assert again(cli, "--start-from", "b") == ["b", "c"]
    assert statuses() == ["reused", "done", "done", "reused"]
    assert Path(RUN, "03_c/artifact.jsonl").read_text() == "one"


def test_an_artifact_that_is_outdated_does_not_outlive_a_failure(cli: Cli) -> None:
    stages = json.loads(json.dumps(CHAIN))
    recipe(stages)
    first(cli)
    stages[1]["run"] = "false"
    recipe(stages)
    again(cli, "--start-from", "b", code=1)
    assert statuses() == ["reused", "failed", "skipped", "reused"]
    assert not Path(RUN, "03_c/artifact.jsonl").exists()


def test_what_is_downstream_is_kept_and_marked_stale(cli: Cli) -> None:
    recipe()
    first(cli)
    assert again(cli, "--start-from", "a", "--keep-downstream") == ["a"]
    assert statuses() == ["done", "reused stale", "reused stale", "reused"]
    assert "Stale" in cli("show", "r").out
    assert again(cli, "--start-from", "other") == ["other"]
    assert statuses() == ["reused", "reused stale", "reused stale", "done"]  # still
    assert again(cli, "--skip-done") == []
    assert statuses() == ["reused"] * 4  # what they read is what it was


def test_what_is_stale_and_reads_something_else_now_is_run_again(cli: Cli) -> None:
    recipe()
    first(cli)
    write("in.txt", "two")
    assert again(cli, "--start-from", "a", "--keep-downstream") == ["a"]
    assert Path(RUN, "02_b/artifact.jsonl").read_text() == "one"
    assert again(cli, "--skip-done") == ["b", "c"]
    assert Path(RUN, "03_c/artifact.jsonl").read_text() == "two"


def test_end_at_runs_a_stage_and_what_it_needs(cli: Cli) -> None:
    recipe()
    first(cli, "--end-at", "b")
    assert statuses() == ["done", "done", "skipped", "skipped"]
    assert again(cli, "--skip-done") == ["c", "other"]
    assert again(cli, "--skip-done", "--end-at", "a") == []
    assert statuses() == ["reused", "skipped", "skipped", "skipped"]
    assert report()["totals"]["calls"] == 4  # a figure is a figure, whatever was asked for since
    assert again(cli, "--skip-done") == []


def test_a_range_has_both_ends(cli: Cli) -> None:
    recipe()
    first(cli)
    assert again(cli, "--start-from", "b", "--end-at", "b") == ["b"]
    assert statuses() == ["reused", "done", "skipped", "skipped"]
    assert not Path(RUN, "03_c/artifact.jsonl").exists()


def test_another_run_is_resumed_and_nothing_of_it_billed_again(cli: Cli) -> None:
    recipe()
    first(cli)
    before = report()
    stages = json.loads(json.dumps(CHAIN))
    stages[2]["params"] = {"n": 2}
    recipe(stages)
    cli("run", "r.yaml", "--run-id", "s", "--resume", "latest")
    assert ran() == ["c"]
    shutil.rmtree(RUN)  # the new run stands alone
    found = report(Path("output/runs/s"))
    assert (found["totals"]["calls"], found["totals"]["cost"]) == (1, Decimal("0.003"))
    a, b, c, _ = found["stages"]
    assert (a["status"], a["reused_from"], a["llm_totals"]["calls"], a["attempts"]) == ("reused", "r", 0, [])
    assert a["reused"]["llm_totals"] == before["stages"][0]["llm_totals"]
    assert a["reused"]["wall_seconds"] == before["stages"][0]["wall_seconds"]
    assert (a["wall_seconds"], c["status"], c["reused_from"], c["reused"]) == (None, "done", None, None)
    assert Path("output/runs/s", b["artifact"]).read_text() == "one"
    shown = cli("show", "s")
    assert "Reused from another run" in shown.out
    # And from that run again: the figures are those of the run that paid.
    cli("run", "r.yaml", "--run-id", "t", "--resume", "s")
    third = report(Path("output/runs/t"))
    assert ran() == []
    assert [stage["reused_from"] for stage in third["stages"]] == ["r", "r", "s", "r"]
    assert third["stages"][0]["reused"] == a["reused"]
    assert third["totals"]["calls"] == 0
    # A resumed run can be gone on with, and what it took over stays so.
    cli("run", "r.yaml", "--run-id", "t", "--skip-done")
    assert [stage["reused_from"] for stage in report(Path("output/runs/t"))["stages"]] == ["r", "r", "s", "r"]


def test_what_only_this_run_fills_in_is_no_change_of_a_command(cli: Cli) -> None:
    filled = "{out} {stage_dir} {run_dir} {run_id} {state_file} {progress_file}"
    listed = {"id": "words", "run": ["sh", "-c", "echo words >> ran; touch {out}", *filled.split()]}
    recipe([{"id": "text", "run": f"echo text >> ran; touch {{out}}; : {filled}"}, listed | {"needs": ["text"]}])
    first(cli)
    cli("run", "r.yaml", "--run-id", "s", "--resume", "r")
    assert ran() == []
    assert statuses(Path("output/runs/s")) == ["reused", "reused"]


def test_a_resumed_run_can_start_from_a_stage(cli: Cli) -> None:
    recipe()
    first(cli)
    cli("run", "r.yaml", "--run-id", "s", "--resume", str(RUN), "--start-from", "c")
    assert ran() == ["c"]
    assert statuses(Path("output/runs/s")) == ["reused", "reused", "done", "reused"]


def test_a_stage_that_moves_in_the_recipe_keeps_its_folder_and_its_figures(cli: Cli) -> None:
    recipe()
    first(cli)
    recipe([{"id": "new", "run": "echo new >> ran"}, *CHAIN[:3]])  # and `other` is gone
    assert again(cli, "--skip-done") == ["new"]
    found = report()
    assert [stage["id"] for stage in found["stages"]] == ["new", "a", "b", "c", "other"]
    assert found["stages"][1]["artifact"] == "01_a/artifact.jsonl"
    assert found["totals"]["calls"] == sum(stage["llm_totals"]["calls"] for stage in found["stages"]) == 4


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--start-from", "b", "--skip-done"], "--start-from: --start-from runs again"),
        (["--keep-downstream"], "--keep-downstream: "),
        (["--keep-downstream", "--start-from", "b", "--resume", "latest"], "--keep-downstream: "),
        (["--force", "--skip-done"], "--force discards what --skip-done goes on with"),
        (["--force", "--allow-run-id-reuse"], "--force discards what --allow-run-id-reuse goes on with"),
        (["--force", "--start-from", "b"], "--force discards what --start-from goes on with"),
        (["--resume", "r", "--skip-done"], "a run cannot be resumed from itself"),
        (["--resume", "nobody"], "there is no run nobody"),
        (["--start-from", "bb"], "there is no stage `bb`"),
        (["--start-from", "a", "--end-at", "nowhere"], "there is no stage `nowhere`"),
        (["--start-from", "c", "--end-at", "a"], "`a` does not depend on `c`"),
    ],
)
def test_flags_that_make_no_sense_are_refused_and_nothing_is_touched(cli: Cli, flags: list[str], said: str) -> None:
    recipe(
        [
            {"id": name, "run": "echo x >> ran", "needs": needs}
            for name, needs in (("a", []), ("b", ["a"]), ("c", ["b"]))
        ]
    )
    cli("run", "r.yaml", "--run-id", "r")
    ran()
    before = {path: path.stat().st_mtime_ns for path in Path("output").rglob("*")}
    assert said in cli("run", "r.yaml", "--run-id", "r", *flags, code=2).err
    assert {path: path.stat().st_mtime_ns for path in Path("output").rglob("*")} == before
    assert ran() == []


@pytest.mark.parametrize("flags", [["--skip-done"], ["--force"], ["--start-from", "a"]])
def test_who_goes_on_without_saying_in_which_run_is_told_its_id(cli: Cli, flags: list[str]) -> None:
    recipe([{"id": "a", "run": "true"}])
    cli("run", "r.yaml", "--run-id", "r")
    assert "give --run-id r" in cli("run", "r.yaml", *flags, code=2).err


def test_a_stage_can_only_be_started_from_if_what_it_needs_is_there(cli: Cli) -> None:
    recipe()
    assert "there is no run r to go on in" in cli("run", "r.yaml", "--run-id", "r", "--start-from", "b", code=2).err
    assert not RUN.exists()
    first(cli, "--end-at", "a")
    assert "not done in this run yet: `b`" in cli("run", "r.yaml", "--run-id", "r", "--start-from", "c", code=2).err
    assert again(cli, "--start-from", "b") == ["b", "c"]
    assert statuses() == ["reused", "done", "done", "skipped"]


def test_skip_done_of_a_run_that_is_not_there_begins_it(cli: Cli) -> None:
    recipe()
    assert again(cli, "--skip-done") == ["a", "b", "c", "other"]


def test_a_run_is_priced_by_the_sheet_it_began_with(cli: Cli) -> None:
    recipe()
    first(cli)
    assert again(cli, "--skip-done", "--price-table", "prices.yaml") == []
    write("dear.yaml", "models: {big: {prompt_per_1k: 3, completion_per_1k: 15}}\n")
    said = cli("run", "r.yaml", "--run-id", "r", "--skip-done", "--price-table", "dear.yaml", code=2).err
    assert "--price-table dear.yaml: the run r began with another price sheet" in said
    assert report()["totals"]["cost"] == Decimal("0.012")
    assert again(cli, "--force", "--price-table", "dear.yaml") == ["a", "b", "c", "other"]
    assert report()["totals"]["cost"] == Decimal(12)


@pytest.mark.parametrize("flags", [["--skip-done"], ["--allow-run-id-reuse"], ["--force"]])
def test_a_run_that_was_metered_before_keeps_its_figures_when_it_goes_on_without(cli: Cli, flags: list[str]) -> None:
    recipe(CHAIN[3:])
    first(cli)
    again(cli, *flags, "--no-instrument")
    cost = None if "--force" in flags else Decimal("0.003")
    shown = json.loads(cli("show", "r", "--json").out, parse_float=Decimal)
    assert (shown["totals"]["cost"], shown["metered"]) == (cost, cost is not None)


def test_after_a_kill_the_run_goes_on_from_there(cli: Cli) -> None:
    stages = json.loads(json.dumps(CHAIN))
    wait = "echo partly > {out}; test -e mended || { touch started; sleep 60; }; "
    stages[1]["run"] = SAY + wait + stages[1]["run"]
    recipe(stages)
    driver = subprocess.Popen(
        [sys.executable, "-m", "taximeter", "run", "r.yaml", "--run-id", "r"],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    assert wait_until(Path("started").exists)
    refused = cli("run", "r.yaml", "--run-id", "r", "--skip-done", code=2).err
    assert "is held by a running driver: wait for its end, or choose another --run-id" in refused
    driver.kill()
    driver.wait()
    shown = json.loads(cli("show", "r", "--json").out)
    assert [stage["status"] for stage in shown["stages"]] == ["done", "lost", "pending", "pending"]
    write("mended")
    ran()
    assert again(cli, "--skip-done") == ["b", "c", "other"]
    found = report()
    assert [stage["status"] for stage in found["stages"]] == ["reused", "done", "done", "done"]
    assert [a["status"] for a in found["stages"][1]["attempts"]] == ["lost", "done"]
    assert found["totals"]["calls"] == 6  # a, b when it was lost, b twice since it says so twice, c, other
    assert Path(RUN, "02_b/artifact.jsonl").read_text() == "one"
    assert found == json.loads(cli("show", "r", "--json").out, parse_float=Decimal)
    (line,) = json.loads(cli("runs", "--json").out)["runs"]
    assert (line["status"], line["totals"]["calls"]) == ("done", 6)


@pytest.mark.parametrize("came_to", ["an empty directory", "folders", "a lock", "a price sheet"])
def test_a_run_whose_driver_died_before_there_was_a_plan_is_lost_and_can_be_started(cli: Cli, came_to: str) -> None:
    recipe(CHAIN[3:])
    first(cli)
    sheet = (RUN / "snapshots/pricing.json").read_bytes()
    shutil.rmtree("output")
    run = RunDir(RUN)
    run.path.mkdir(parents=True)
    if came_to != "an empty directory":
        run.fill()
    if came_to in {"a lock", "a price sheet"}:
        run.lock().close()
    if came_to == "a price sheet":
        run.pricing.write_bytes(sheet)
    assert "lost" in cli("show", "latest").out
    shown = json.loads(cli("show", "r", "--json").out)
    assert shown["status"] == "lost"
    assert "--skip-done starts it" in shown["error"]
    (listed,) = json.loads(cli("runs", "--json").out)["runs"]
    assert (listed["run_id"], listed["status"]) == ("r", "lost")
    assert again(cli, "--skip-done") == ["other"]
    assert (statuses(), report()["totals"]["cost"]) == (["done"], Decimal("0.003"))


def test_a_run_of_which_a_driver_was_killed_while_it_discarded_it_is_not_done(cli: Cli) -> None:
    recipe(CHAIN[3:])
    first(cli)
    discard = (
        "import os, shutil\nshutil.rmtree = lambda path, **_: path.exists() and os._exit(9)\n"
        "from taximeter.cli.main import main\nmain()"
    )
    command = [sys.executable, "-c", discard, "run", "r.yaml", "--run-id", "r", "--force"]
    assert subprocess.run(command).returncode == 9
    assert json.loads(cli("show", "r", "--json").out)["status"] == "lost"
    assert again(cli, "--skip-done") == ["other"]
    assert statuses() == ["done"]


def test_stamps_that_are_new_in_each_run_are_no_change_of_what_is_read(cli: Cli) -> None:
    write("row.json", '{"type": "object", "required": ["id"]}')
    command = """[sh, -c, 'echo "$1" > "$0"; echo maker >> ran', '{out}', '{{"id": "x"}}', '{params.n}']"""
    write("modules/maker/module.yaml", f"module_id: maker\ncommand: {command}\noutput_schema: row.json\n")
    maker = {"module": "maker", "params": {"n": 1}}
    recipe([maker, {"id": "b", "run": "cat {inputs.x} > {out}; echo b >> ran", "inputs": {"x": "maker"}}])
    first(cli)
    assert "created_at" in (RUN / "01_maker/artifact.jsonl").read_text()
    assert again(cli, "--skip-done", "--set", "maker.n=2") == ["maker"]
    for number in (3, 4):  # taken over, and from there once more
        flags = ("--resume", "latest", "--run-id", f"r{number}", "--set", f"maker.n={number}")
        cli("run", "r.yaml", *flags)
        assert ran() == ["maker"]
    artifact = RUN / "01_maker/artifact.jsonl"
    artifact.write_text(artifact.read_text().replace("x", "y"))  # by hand: it is not what was stamped any more
    assert again(cli, "--skip-done", "--set", "maker.n=2") == ["b"]


def test_prices_of_a_run_that_were_damaged_are_told_and_no_traceback(cli: Cli) -> None:
    tell = "import taximeter; taximeter.log_llm_usage('gpt-5', 7, 1)"
    recipe([{"id": "a", "run": [sys.executable, "-c", tell]}], instrumentation={"enabled": True})
    cli("run", "r.yaml", "--run-id", "r")
    prices = Path("output/runs/r/snapshots/pricing.json")
    whole = prices.read_bytes()
    prices.write_bytes(whole[: whole.index(b'"extends"')] + b'"extends":{"schema_version":"pricing_v2","entries":7}}')
    for command in (["show", "r"], ["run", "r.yaml", "--run-id", "r", "--skip-done"]):
        said = cli(*command, code=2).err
        assert "the prices that the run keeps in its snapshots cannot be read: " in said
        assert "start the run over with --force, or make a new one" in said
    cli("run", "r.yaml", "--run-id", "r", "--force")
