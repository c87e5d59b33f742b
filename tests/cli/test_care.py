"""`taximeter doctor`, `repair`, `tail`, `prune`, `completion`."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine
from taximeter.rundir import OutputDir, RunDir
from tests.cli.conftest import Cli
from tests.runs import Writing, call, plan, stage

TAXIMETER = [sys.executable, "-m", "taximeter"]
SPEND = """
import os, signal, taximeter
taximeter.log_llm_usage("gpt-5", 1000, 100)
{end}
"""


def a_run(folder: Path, run_id: str, days: float = 0.0, *calls: dict[str, object]) -> OutputDir:
    output = OutputDir(folder / "output")
    writing = Writing(output.path, plan([stage(1, "a")]), run_id)
    writing.start("a")
    writing.sink("a", *calls)
    writing.end("a")
    writing.close()
    ended = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    manifest.append(output, ManifestLine(run_id, started_at=ended, ended_at=ended, status="done"))
    return output


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# -- repair -----------------------------------------------------------------------------------------------------------


def test_files_of_dead_processes_are_closed_and_no_figure_changes(cli: Cli) -> None:
    Path("stage.py").write_text(SPEND.format(end="open('there', 'w').close()\nsignal.pause()"))
    Path("recipe.yaml").write_text("stages: [{stage: a, run: '{python} stage.py'}]\n")
    driver = subprocess.Popen([*TAXIMETER, "run", "recipe.yaml", "--instrument", "--run-id", "r"])
    wait_for(Path("there"))
    assert "is held by a living driver" in cli("repair", "r", code=2).err
    events = Path("output/runs/r/events")
    driver.kill()
    driver.wait()
    RunDir(events.parent).lock().close()  # it waits until the stages have ended, too
    before = json.loads(cli("show", "r", "--json").out)
    assert len(list(events.glob("*.open"))) == 2  # of the driver, and of the stage
    run = Path("output/runs/r")
    half = [run / name for name in ("x.tmp", "snapshots/p.tmp", "01_a/usage.1.json.tmp", "tables.1f.tmp/calls.parquet")]
    (run / "tables.1f.tmp").mkdir()
    for path in half:
        path.write_text("half")
    theirs = run / "01_a/theirs.tmp"
    theirs.touch()
    repairs = json.loads(cli("repair", "r", "--json").out)
    assert (repairs["schema_version"], repairs["status"]) == ("repair_v1", "lost")
    did = {Path(one["path"]).suffix + " " + one["action"] for one in repairs["repairs"]}
    assert {".open closed", ".tmp removed", ".html rebuilt", ".jsonl rebuilt"} <= did
    assert not any(path.exists() for path in [*half, run / "tables.1f.tmp"])
    assert theirs.exists()  # what a stage wrote is its own
    after = json.loads(cli("show", "r", "--json").out)
    for figure in ("totals", "losses", "status", "stages"):
        assert after[figure] == before[figure]
    assert after["totals"]["calls"] == 1
    assert b"\0" not in b"".join(path.read_bytes() for path in events.glob("*.jsonl"))
    listed = json.loads(cli("runs", "--json").out)["runs"]
    assert [(run["status"], run["totals"]["calls"]) for run in listed] == [("lost", 1)]
    assert {one["action"] for one in json.loads(cli("repair", "r", "--json").out)["repairs"]} <= {"left"}


def test_a_healthy_run_is_left_as_it_is(cli: Cli) -> None:
    """Its page keeps logs and files, and models stand in one order, whichever was heard of first."""
    Path("stage.py").write_text("import taximeter as t\nfor m in 'zya': t.log_llm_usage(m, 1, 1)\nprint('logged')\n")
    Path("recipe.yaml").write_text("stages: [{stage: a, run: '{python} stage.py'}]\n")
    cli("run", "recipe.yaml", "--instrument", "--run-id", "r")
    before = Path("output/runs/r/instrumentation.html").read_bytes()
    assert json.loads(cli("repair", "r", "--json").out)["repairs"] == []
    assert Path("output/runs/r/instrumentation.html").read_bytes() == before


def test_a_driver_closes_the_file_of_a_stage_that_was_killed(cli: Cli) -> None:
    Path("stage.py").write_text(SPEND.format(end="os.kill(os.getpid(), signal.SIGKILL)"))
    Path("recipe.yaml").write_text("stages: [{stage: a, run: '{python} stage.py'}]\n")
    cli("run", "recipe.yaml", "--instrument", "--run-id", "r", code=1)
    assert not list(Path("output/runs/r/events").glob("*.open"))
    assert json.loads(cli("show", "r", "--json").out)["totals"]["calls"] == 1


def test_a_file_whose_process_lives_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    code = "import taximeter as t; t.enable(run_id='mine'); t.log_llm_usage('m', 1, 1); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        assert "is held by a living driver" in cli("repair", "mine", code=2).err
        program.kill()
    said = json.loads(cli("repair", "mine", "--json").out)["repairs"]
    assert [one["action"] for one in said if one["path"].startswith("events/")] == ["closed"]


# -- tail -------------------------------------------------------------------------------------------------------------


def test_a_run_is_watched_to_its_end(cli: Cli) -> None:
    waiting = "touch there {out}; while [ ! -e go ]; do sleep 0.05; done"
    Path("recipe.yaml").write_text(f"stages:\n- {{stage: a, run: '{waiting}'}}\n- {{stage: b, run: 'false'}}\n")
    with subprocess.Popen(
        [*TAXIMETER, "run", "recipe.yaml", "--instrument", "--run-id", "r"], stderr=subprocess.DEVNULL
    ):
        wait_for(Path("there"))
        with subprocess.Popen(
            [*TAXIMETER, "tail", "r"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as tail:
            assert tail.stderr is not None
            assert tail.stderr.readline() == "a: running\n"
            Path("go").touch()
            out, err = tail.communicate(timeout=60)
    assert tail.returncode == 0
    lines = err.splitlines()
    assert lines[0].startswith("a: done after ")
    assert lines[-1].startswith("b: failed after ")
    assert lines[-1].endswith(": exit code 1")
    assert out.startswith("r  failed  stage b: exit code 1\n")


def test_a_finished_run_is_one_report(cli: Cli, tmp_path: Path) -> None:
    a_run(tmp_path, "r", 0, call(prompt_tokens=1000, completion_tokens=0))
    (report,) = map(json.loads, cli("tail", "r", "--json").out.splitlines())
    assert (report["run_id"], report["totals"]["calls"]) == ("r", 1)


def test_to_stop_watching_does_nothing_to_the_run(cli: Cli) -> None:
    Path("recipe.yaml").write_text("stages: [{stage: a, run: 'touch there; while [ ! -e go ]; do sleep 0.05; done'}]\n")
    with subprocess.Popen([*TAXIMETER, "run", "recipe.yaml", "--run-id", "r"], stderr=subprocess.DEVNULL) as driver:
        wait_for(Path("there"))
        with subprocess.Popen([*TAXIMETER, "tail", "r"], stderr=subprocess.PIPE, text=True) as tail:
            assert tail.stderr is not None
            tail.stderr.readline()
            tail.send_signal(signal.SIGTERM)
            assert tail.wait(timeout=60) == 143
        Path("go").touch()
        assert driver.wait(timeout=60) == 0


# -- prune ------------------------------------------------------------------------------------------------------------


def test_old_runs_go_and_their_lines_stay(cli: Cli, tmp_path: Path) -> None:
    for run_id, days in (("old", 40), ("older", 50), ("new", 1)):
        output = a_run(tmp_path, run_id, days)
    shown = json.loads(cli("prune", "--keep", "30d", "--dry-run", "--json").out)
    assert ([run["run_id"] for run in shown["found"]], shown["removed"]) == (["older", "old"], [])
    assert all(run["size_bytes"] > 0 for run in shown["found"])
    assert cli("prune", "--keep", "30d", "--yes").out.splitlines()[-1].startswith("2 runs removed, ")
    assert sorted(path.name for path in output.runs.iterdir()) == ["new"]
    assert len(json.loads(cli("runs", "--json").out)["runs"]) == 3
    assert cli("prune", "--keep", "30d").out == "No run is that old.\n"


def test_what_only_the_directory_knew_stays_in_the_manifest(cli: Cli, tmp_path: Path) -> None:
    """A program that recorded itself leaves its sums to whoever asks."""
    code = "import taximeter as t; t.enable(run_id='mine'); t.log_llm_usage('gpt-5', 1000, 100)"
    subprocess.run([sys.executable, "-c", code], check=True)
    broken = a_run(tmp_path, "broken").run("broken")
    broken.plan.write_text("no plan")
    before = json.loads(cli("runs", "--json").out)["runs"]
    removed = json.loads(cli("prune", "--keep", "1ms", "--yes", "--json").out)["removed"]
    assert sorted(removed) == ["broken", "mine"]
    after = json.loads(cli("runs", "--json").out)["runs"]
    mine, was = (next(run for run in runs if run["run_id"] == "mine") for runs in (after, before))
    assert (mine["totals"], mine["status"]) == (was["totals"], was["status"])
    assert mine["totals"]["cost"] == 0.00225


def test_it_asks_first(cli: Cli, tmp_path: Path) -> None:
    output = a_run(tmp_path, "old", 40)
    for answer in ("n\n", ""):
        done = subprocess.run([*TAXIMETER, "prune", "--keep", "30d"], input=answer, capture_output=True, text=True)
        assert done.returncode == 1
        assert "Remove 1 run? [y/N]" in done.stdout
        assert output.run("old").path.exists()
    assert "with --json nobody is asked" in cli("prune", "--keep", "1d", "--json", code=2).err


def test_a_run_that_goes_on_is_never_removed(cli: Cli, tmp_path: Path) -> None:
    output = a_run(tmp_path, "old", 40)
    lock = output.run("old").lock()
    assert cli("prune", "--keep", "30d", "--yes").out == "No run is that old.\n"
    lock.close()


def test_nothing_but_runs_is_removed(cli: Cli, tmp_path: Path) -> None:
    output = a_run(tmp_path, "old", 40)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (output.runs / "link").symlink_to(precious)
    (output.runs / "notes").mkdir()
    (output.runs / "notes/mine.txt").touch()
    os.utime(output.runs / "notes", (0, 0))
    cli("prune", "--keep", "30d", "--yes")
    assert (precious / "file").exists()
    assert (output.runs / "notes/mine.txt").exists()
    assert not (output.runs / "old").exists()


# -- doctor and completion --------------------------------------------------------------------------------------------


def test_what_is_installed_measured_and_lacking_is_told(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_run(tmp_path, "r", 0, call("who-knows", prompt_tokens=1), b'{"half')
    monkeypatch.setenv("TAXIMETER_HTTP_TOKEN", "hush")
    found = json.loads(cli("doctor", "--json").out)
    assert found["schema_version"] == "doctor_v1"
    assert found["extras"]["otlp"]["opentelemetry-exporter-otlp-proto-http"]
    assert found["methods"]["wall_seconds"] == "exact"
    assert found["methods"]["peak_memory_bytes"] == "sampled"
    assert (found["health"]["runs"], found["health"]["unpriced"]) == (1, {"who-knows": 1})
    assert "1 line torn: their writer died in the middle." in found["health"]["incomplete"]["r"], found["health"]
    text = cli("doctor").out
    assert "without a price: who-knows in 1 run" in text
    assert "hush" not in text + json.dumps(found)


def test_an_empty_folder_is_no_trouble(cli: Cli) -> None:
    text = cli("doctor").out
    assert "(not there yet)" in text
    assert "0 runs" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script(cli: Cli, shell: str) -> None:
    script = cli("completion", shell).out
    assert "_TAXIMETER_COMPLETE" in script
    assert json.loads(cli("completion", shell, "--json").out)["script"] + "\n" == script


def test_run_ids_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_run(tmp_path, "monday-1")
    environment = os.environ | {
        "_TAXIMETER_COMPLETE": "bash_complete", "COMP_WORDS": "taximeter show mon", "COMP_CWORD": "2",
    }  # fmt: skip
    taximeter = str(Path(sys.executable).with_name("taximeter"))
    done = subprocess.run([taximeter], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "plain,monday-1\n"
