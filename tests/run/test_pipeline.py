"""Recipes that are really run, as a person runs them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from taximeter.report.build import build
from taximeter.rundir import RunDir
from tests.run.pipelines import CALLS, TAXIMETER, here, lines, recipe, run, taximeter
from tests.runs import read_json

__all__ = ["here"]  # a fixture


def test_a_metered_run_leaves_its_whole_directory(here: Path) -> None:
    recipe(
        [
            {"id": "a", "run": [sys.executable, "calls.py", "3"], "description": "says [b]three[/b]"},
            {"id": "b", "run": "cat < calls.py > {out}; echo {run_id}", "needs": ["a"], "out": "copy.py"},
        ],
        tags={"team": "x"},
    )
    found = run()
    report = read_json(found.report_json)
    assert report == json.loads(taximeter("show", "r", "--json").stdout, parse_float=Decimal)
    a, b = report["stages"]
    assert (a["status"], a["llm_totals"]["calls"], a["llm_totals"]["cost"]) == ("done", 3, Decimal("0.0135"))
    assert (a["description"], a["artifact"], b["artifact"]) == ("says [b]three[/b]", None, "02_b/copy.py")
    assert a["cpu_user_seconds"] + a["cpu_system_seconds"] > 0
    assert a["methods"]["cpu_user_seconds"] == "exact"
    assert report["totals"]["per_model"]["big"]["prompt_tokens"] == 3000
    assert report["tags"] == {"team": "x"}
    assert (found.path / "01_a/log.1.txt").read_text() == "said 3\n"
    assert (found.path / "02_b/copy.py").read_text() == CALLS
    assert {p.name for p in found.snapshots.iterdir()} == {
        "recipe.yaml",
        "plan.json",
        "registry.json",
        "pricing.json",
        "settings.yaml",
        "instrumentation.yaml",
    }
    state = read_json(found.state)
    assert (state["status"], state["stages"]["a"]["status"]) == ("done", "done")
    events = lines(found.progress)
    assert [(e["stage"], e["status"]) for e in events] == [
        ("a", "running"),
        ("a", "done"),
        ("b", "running"),
        ("b", "done"),
        (None, "done"),
    ]
    assert events[0]["extra"]["instrument"] is True
    start, end = lines(Path("output/run_manifest.jsonl"))
    assert (start["status"], end["status"]) == ("running", "done")
    assert end["instrumentation"] == {form: f"runs/r/instrumentation.{form}" for form in ("json", "md", "html")}
    assert 'id="data"' in found.report_html.read_text()
    assert end["totals"]["cost"] == Decimal("0.0135")
    assert not list(found.path.rglob("*.tmp")) + list(found.path.rglob("*.open"))
    assert "says" not in found.report_md.read_text()
    assert "\\$0.0135" in found.report_md.read_text()


def test_without_instrumentation_nothing_is_added_to_a_stage_and_no_report_is_written(here: Path) -> None:
    recipe([{"id": "a", "run": "env > {out}; echo >> {out}", "out": "env.txt"}], instrumentation={"enabled": False})
    found = run()
    names = {line.split("=")[0] for line in (found.path / "01_a/env.txt").read_text().splitlines() if line}
    added = names - os.environ.keys() - {"PWD", "SHLVL", "_", "OLDPWD"}
    assert added == {"RUN_ID", "PIPELINE_STAGE_ID", "TAXIMETER_PROGRESS_FILE"}
    assert sorted(p.name for p in (found.path / "01_a").iterdir()) == ["env.txt", "log.1.txt"]
    assert not found.report_json.exists()
    report = build(found)
    assert (report.metered, report.stages[0].status, report.stages[0].cpu_user_seconds) == (False, "done", None)
    assert report.stages[0].wall_seconds
    assert "not metered" in taximeter("show").stdout


@pytest.mark.slow
def test_flags_win_over_a_file_and_the_file_over_the_recipe(here: Path) -> None:
    recipe([{"id": "a", "run": "true"}], instrumentation={"enabled": False, "include_calls": 1})
    Path("on.yaml").write_text("instrumentation: {enabled: true, price_table: prices.yaml}")
    run("--instrument-config", "on.yaml")
    snapshot = read_json(Path("output/runs/r/snapshots/instrumentation.yaml"))
    assert snapshot == {"enabled": True, "price_table": "prices.yaml", "include_calls": 1, "capture": "auto"}
    shutil.rmtree("output")
    found = run("--instrument-config", "on.yaml", "--no-instrument")
    assert not found.report_json.exists()


def test_a_stage_that_fails_ends_the_run_and_its_figures_stay(here: Path) -> None:
    recipe(
        [
            {"id": "a", "run": f"{sys.executable} calls.py 2; exit 3"},
            {"id": "b", "run": "true", "needs": ["a"]},
            {"id": "c", "run": "true"},
        ]
    )
    done = taximeter("run", "recipe.yaml", "--run-id", "r", code=1)
    assert "said 2" in done.stderr
    report = build(RunDir(Path("output/runs/r")))
    assert (report.status, report.error) == ("failed", "stage a: exit code 3")
    assert [s.status for s in report.stages] == ["failed", "skipped", "skipped"]
    assert (report.stages[0].exit_code, report.stages[0].llm_totals.calls) == (3, 2)
    assert report.stages[0].attempts[0].error == "exit code 3"


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("kill -9 $$", "killed by SIGKILL"),
        (["no-such-program"], "no-such-program"),
        (["./calls.py"], "calls.py"),
    ],
)
def test_how_a_stage_failed_is_told(here: Path, command: Any, error: str) -> None:
    recipe([{"id": "a", "run": command}])
    stage = build(run(code=1)).stages[0]
    assert stage.status == "failed"
    assert error in (stage.attempts[0].error or "")


def test_an_artifact_that_another_stage_reads_must_be_there(here: Path) -> None:
    recipe([{"id": "a", "run": "true"}, {"id": "b", "run": "true", "inputs": {"x": "a"}}])
    stage = build(run(code=1)).stages[0]
    error = "ended well but did not write its artifact, 01_a/artifact.jsonl (`{out}` in its command)"
    assert stage.attempts[0].error == error


def test_independent_stages_run_at_the_same_time(here: Path) -> None:
    # Each waits for the other: this ends only if both run.
    wait = "touch {run_dir}/%s; while [ ! -e {run_dir}/%s ]; do sleep 0.01; done"
    recipe([{"id": "a", "run": wait % ("a", "b")}, {"id": "b", "run": wait % ("b", "a")}])
    report = build(run("--jobs", "2"))
    assert [s.status for s in report.stages] == ["done", "done"]


@pytest.mark.slow
def test_items_are_rows_of_artifacts_or_what_the_stage_tells(here: Path) -> None:
    Path("in.jsonl").write_text('{"a":1}\n\n{"a":2}\n{"a":3}')
    tell = "import taximeter; taximeter.items(40); taximeter.items(2)"
    recipe(
        [
            {"id": "rows", "run": "head -1 {inputs.x} > {out}", "inputs": {"x": "in.jsonl"}},
            {"id": "told", "run": [sys.executable, "-c", tell], "inputs": {"x": "in.jsonl"}},
            {"id": "none", "run": "true"},
        ]
    )
    stages = build(run()).stages
    assert [(s.items_in, s.items_out) for s in stages] == [(3, 1), (3, 42), (None, None)]


@pytest.mark.slow
def test_hostile_names_are_shown_and_never_obeyed(here: Path) -> None:
    name = "../../x [red]\x1b[31m<script>`|*\u202e\n../y"
    recipe([{"id": name, "run": [sys.executable, "calls.py", "1"], "description": name}], name=name)
    done = taximeter("run", "recipe.yaml", "--run-id", "r")
    found = RunDir(Path("output/runs/r"))
    for text in (done.stdout, done.stderr, taximeter("show").stdout, taximeter("runs").stdout):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "[red]" in done.stdout
    assert [s.id for s in build(found).stages] == [name]
    assert "<script>" not in found.report_md.read_text()
    assert sorted(p.name for p in Path("output/runs").iterdir()) == ["r"]
    assert [p.name for p in found.path.iterdir() if p.name.startswith("01_")][0].startswith("01_")


def test_all_calls_are_in_a_file_of_their_own_if_asked_for(here: Path) -> None:
    instrumentation = {"enabled": True, "price_table": "prices.yaml", "include_calls": True}
    recipe([{"id": "a", "run": [sys.executable, "calls.py", "120"]}], instrumentation=instrumentation)
    found = run()
    assert len(read_json(found.report_json)["stages"][0]["llm_calls"]) == 120
    assert sum(call["cost"] for call in lines(found.calls)) == Decimal("0.54")


@pytest.mark.slow
def test_the_report_grows_while_a_stage_runs(here: Path) -> None:
    slow = "import taximeter, time\nfor _ in range(40): taximeter.log_llm_usage('big', 1000, 0); time.sleep(0.1)"
    recipe([{"id": "a", "run": [sys.executable, "-c", slow]}])
    with subprocess.Popen([*TAXIMETER, "run", "recipe.yaml", "--run-id", "r"], stderr=subprocess.DEVNULL) as driver:
        path = Path("output/runs/r/instrumentation.json")
        seen = set()
        while driver.poll() is None:
            if path.exists():
                report = read_json(path)  # parses at any moment
                seen.add((report["status"], report["totals"]["calls"]))
            time.sleep(0.1)
    running = {calls for status, calls in seen if status == "running"}
    assert len(running) >= 3
    assert seen & {("done", 40)} or read_json(path)["totals"]["calls"] == 40


def test_an_existing_run_is_not_overwritten(here: Path) -> None:
    recipe([{"id": "a", "run": "true"}])
    run()
    assert "exists already" in taximeter("run", "recipe.yaml", "--run-id", "r", code=2).stderr


@pytest.mark.parametrize("run_id", ["a/b", "..", "x" * 81, ""])
def test_a_run_id_that_cannot_name_a_directory_is_refused_before_anything_starts(here: Path, run_id: str) -> None:
    recipe([{"id": "a", "run": "true"}])
    taximeter("run", "recipe.yaml", "--run-id", run_id, code=2)
    assert not Path("output").exists()


def test_a_bad_price_sheet_is_told_before_anything_starts(here: Path) -> None:
    Path("prices.yaml").write_text("models:\n  m: {prompt_per_1k: '1'}\n  n: {}\n  o: {free: true, prompt_per_1k: 1}\n")
    recipe([{"id": "a", "run": "true"}])
    told = taximeter("run", "recipe.yaml", code=2).stderr
    assert "prices.yaml:2" in told
    assert "write 1 without quotes" in told
    assert "prices.yaml:3" in told
    assert "prices.yaml:4" in told
    assert "Traceback" not in told
    assert not Path("output").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_run_in_good_order(here: Path, number: signal.Signals, code: int) -> None:
    recipe(
        [
            {"id": "a", "run": f"{sys.executable} calls.py 1; echo $$ > {{stage_dir}}/pid; exec sleep 60"},
            {"id": "b", "run": "true"},
        ]
    )
    with subprocess.Popen([*TAXIMETER, "run", "recipe.yaml", "--run-id", "r"], stderr=subprocess.DEVNULL) as driver:
        pid_file = Path("output/runs/r/01_a/pid")
        while not pid_file.exists() or not pid_file.read_text().endswith("\n"):
            time.sleep(0.02)
        driver.send_signal(number)
        assert driver.wait(20) == code
    report = build(RunDir(Path("output/runs/r")))
    assert [report.status, *(s.status for s in report.stages)] == ["cancelled", "cancelled", "skipped"]
    assert report.totals.calls == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


@pytest.mark.slow
def test_a_driver_that_is_killed_leaves_a_lost_run_and_no_process(here: Path) -> None:
    recipe([{"id": "a", "run": f"{sys.executable} calls.py 4; echo $$ > {{stage_dir}}/pid; exec sleep 60"}])
    with subprocess.Popen([*TAXIMETER, "run", "recipe.yaml", "--run-id", "r"], stderr=subprocess.DEVNULL) as driver:
        pid_file = Path("output/runs/r/01_a/pid")
        while not pid_file.exists() or not pid_file.read_text().endswith("\n"):
            time.sleep(0.02)
        driver.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid_file.read_text().strip()}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid_file.read_text().strip()}").exists()
    report = json.loads(taximeter("show", "--json").stdout)
    assert [report["status"], report["stages"][0]["status"]] == ["lost", "lost"]
    assert report["totals"]["calls"] == 4
    (listed,) = json.loads(taximeter("runs", "--json").stdout)["runs"]
    assert (listed["status"], listed["totals"]["calls"]) == ("lost", 4)


def test_values_of_environment_variables_are_nowhere_in_the_run_directory(here: Path) -> None:
    recipe([{"id": "a", "run": 'test -n "$SECRET"', "env": {"SECRET": "canary-1234"}}])
    found = run()
    for path in Path("output").rglob("*"):
        assert not path.is_file() or b"canary-1234" not in path.read_bytes(), path
    assert b"SECRET" in (found.snapshots / "recipe.yaml").read_bytes()


def test_json_of_a_run_is_its_report(here: Path) -> None:
    recipe([{"id": "a", "run": "true"}])
    done = taximeter("run", "recipe.yaml", "--run-id", "r", "--json")
    assert json.loads(done.stdout)["run_id"] == "r"
    assert "a: done" in done.stderr


def test_under_nohup_a_closed_terminal_does_not_end_the_run(here: Path) -> None:
    recipe([{"id": "a", "run": "touch {stage_dir}/up; sleep 0.5"}])
    command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *TAXIMETER, "run", "recipe.yaml", "--run-id", "r"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as driver:
        while not Path("output/runs/r/01_a/up").exists():
            time.sleep(0.02)
        driver.send_signal(signal.SIGHUP)
        assert driver.wait(20) == 0


@pytest.mark.parametrize(("command", "code"), [("true", 0), ("exit 3", 1)])
def test_nobody_need_read_what_is_said_while_a_run_goes_on(here: Path, command: str, code: int) -> None:
    recipe([{"id": "a", "run": "true"}, {"id": "b", "run": command}])
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*TAXIMETER, "run", "recipe.yaml", "--run-id", "r"], stderr=writer, stdout=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == code
    assert done.stdout.startswith(b"r  ")
    assert [s.status for s in build(RunDir(Path("output/runs/r"))).stages] == ["done", "failed" if code else "done"]


def test_stages_start_in_the_order_of_the_plan(here: Path) -> None:
    needs = {"a": [], "b": ["a"], "c": ["b"], "d": ["a"]}
    recipe([{"id": name, "run": "true", "needs": of} for name, of in needs.items()])
    started = [event["stage"] for event in lines(run().progress) if event["status"] == "running"]
    assert started == ["a", "b", "c", "d"]


def test_an_artifact_may_lie_in_a_folder_of_its_own(here: Path) -> None:
    recipe([{"id": "a", "run": "echo x > {out}", "out": "sub/deep/x.txt"}])
    assert (run().path / "01_a/sub/deep/x.txt").read_text() == "x\n"


@pytest.mark.parametrize(
    ("what", "trouble"),
    [
        ("{run_dir}/events", "driver-"),
        ("{stage_dir}", None),
        ("{run_dir}/snapshots", None),
        ("{state_file}; until mkdir {state_file}; do rm -rf {state_file}; done", "pipeline_state.json"),
        (
            "{run_dir}/pipeline_events.jsonl; "
            "until mkdir {run_dir}/pipeline_events.jsonl; do rm -rf {run_dir}/pipeline_events.jsonl; done",
            "pipeline_events.jsonl",
        ),
        ("{state_file}; until ln -s /dev/full {state_file}.tmp; do :; done", "No space left"),
        ("{run_dir}/pipeline_events.jsonl; ln -sf /dev/full {run_dir}/pipeline_events.jsonl", "No space left"),
        ("output/run_manifest.jsonl; mkdir output/run_manifest.jsonl", "run_manifest.jsonl"),
    ],
)
@pytest.mark.parametrize("metered", [True, False])
def test_a_run_goes_on_when_a_stage_removes_its_files(
    here: Path, what: str, trouble: str | None, metered: bool
) -> None:
    # The driver may write a file again before the stage has put something else in its place: hence the loops.
    # The call limit of `true` reads the whole directory again in the end.
    instrumentation = {"enabled": metered, "price_table": "prices.yaml", "include_calls": True}
    recipe([{"id": "a", "run": f"rm -rf {what}"}, {"id": "b", "run": "echo x > ran"}], instrumentation=instrumentation)
    done = taximeter("run", "recipe.yaml", "--run-id", "r")
    assert Path("ran").exists()
    assert "Traceback" not in done.stderr
    told = done.stderr.splitlines()[-1]
    assert trouble in told if trouble else told.startswith("run directory")


@pytest.mark.parametrize("what", ["{run_dir}", "output"])
@pytest.mark.parametrize("later", ["", "echo x"])
def test_a_run_whose_directory_is_removed_has_failed_and_says_so(here: Path, what: str, later: str) -> None:
    stages = [{"id": "a", "run": f"until rm -rf {what}; do :; done"}]  # while the driver writes there
    recipe(stages + [{"id": "b", "run": later}] * bool(later))
    done = taximeter("run", "recipe.yaml", "--run-id", "r", code=1)
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].endswith("runs/r was removed while the run went on")
    assert not Path("output/runs/r").exists()


def test_a_stage_that_removes_the_working_directory_ends_only_itself(here: Path) -> None:
    Path("w").mkdir()
    command = [*TAXIMETER, "run", "../recipe.yaml", "--run-id", "r", "--output-dir", str(here / "output")]
    recipe([{"id": "a", "run": f"rm -rf {here}/w"}, {"id": "b", "run": "true"}], instrumentation={"enabled": True})
    done = subprocess.run(command, cwd="w", capture_output=True, text=True)
    assert "b: failed" in done.stderr
    assert "cannot enter" in done.stderr
    assert build(RunDir(Path("output/runs/r"))).status == "failed"


@pytest.mark.slow
def test_the_report_keeps_up_with_a_burst_of_calls(here: Path) -> None:
    Path("burst.py").write_text(
        "import os, time\n"
        'line = \'{"schema_version":"instrumentation_call_v1","model":"big","prompt_tokens":1000}\\n\'\n'
        "with open(os.environ['INSTRUMENT_SINK'], 'a') as sink: sink.write(line * 150_000)\n"
        "time.sleep(6)\n"
    )
    recipe([{"id": "a", "run": [sys.executable, "burst.py"]}])
    seen = set()
    with subprocess.Popen([*TAXIMETER, "run", "recipe.yaml", "--run-id", "r"], stderr=subprocess.DEVNULL) as driver:
        path = Path("output/runs/r/instrumentation.json")
        while driver.poll() is None:
            if path.exists():
                seen.add(read_json(path)["totals"]["calls"])
            time.sleep(0.1)
    assert len(seen - {0, 150_000}) >= 3
    assert read_json(path)["totals"]["cost"] == 450
