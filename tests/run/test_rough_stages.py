"""Stages that do what a program should not: each is handled, and named in the report."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter.report.build import build
from taximeter.report.trust import trust
from taximeter.rundir import RunDir
from tests.run.pipelines import TAXIMETER, here, recipe, run, taximeter
from tests.stages import wait_until

__all__ = ["here"]  # a fixture
pytestmark = pytest.mark.usefixtures("here")

DEAF = "trap 'touch told' TERM; touch up; while :; do sleep 0.05; done"


def interrupted(*more: signal.Signals) -> RunDir:
    """A run that got Ctrl-C while its stage ran, and these signals once the stage had got its TERM."""
    with subprocess.Popen([*TAXIMETER, "run", "recipe.yaml", "--run-id", "r"], stderr=subprocess.DEVNULL) as driver:
        assert wait_until(Path("up").exists)
        driver.send_signal(signal.SIGINT)
        assert wait_until(Path("told").exists)
        for number in more:
            driver.send_signal(number)
        assert driver.wait(60) == 130
    return RunDir(Path("output/runs/r"))


@pytest.mark.slow
@pytest.mark.parametrize("command", [DEAF, f"sh -c '{DEAF.replace(chr(39), chr(34))}' & wait"])
def test_one_that_ignores_term_at_ctrl_c_is_named_whichever_of_its_processes_does(command: str) -> None:
    recipe([{"id": "a", "run": command}])
    report = build(interrupted())
    (attempt,) = report.stages[0].attempts
    assert (attempt.status, attempt.error) == ("cancelled", "ended by SIGINT; it ignored TERM and was killed")
    assert (attempt.deaf_processes or 0) >= 1
    assert any(note.startswith("Ignored TERM and had to be killed") and note.endswith(": a.") for note in trust(report))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_kills_at_once_what_ignores_the_first(number: signal.Signals) -> None:
    recipe([{"id": "a", "run": DEAF}])
    (attempt,) = build(interrupted(number)).stages[0].attempts
    assert (attempt.status, attempt.signal, attempt.error) == ("cancelled", 9, "ended by SIGINT")
    assert attempt.deaf_processes == 0  # nobody waited for it to obey


def test_one_that_closes_its_pipes_runs_to_its_end_and_is_measured() -> None:
    Path("closes.py").write_text(
        "import os, taximeter\nprint('first', flush=True)\nos.closerange(0, 1000)\n"
        "taximeter.log_llm_usage('big', 1000, 100)\nopen('went-on', 'w').close()\n"
    )
    recipe([{"id": "a", "run": [sys.executable, "closes.py"]}])
    stage = build(run()).stages[0]
    assert Path("went-on").exists()
    assert (stage.status, stage.llm_totals.calls, stage.attempts[0].log_bytes) == ("done", 1, len("first\n"))
    assert stage.methods["cpu_user_seconds"] == "exact"


def test_one_that_leaves_its_process_group_is_measured_and_ended_with_all_that_it_started() -> None:
    Path("leaves.py").write_text(
        "import os, time\nos.setpgid(0, 0)\n"
        "if os.fork() == 0:\n    os.setsid()\n    open('pid', 'w').write(str(os.getpid()))\n"
        "while True: pass\n"
    )
    recipe([{"id": "a", "run": [sys.executable, "leaves.py"], "timeout": "700ms"}])
    stage = build(run(code=1)).stages[0]
    assert (stage.attempts[0].error or "").startswith("it took longer than its timeout")
    with pytest.raises(ProcessLookupError):
        os.kill(int(Path("pid").read_text()), 0)
    assert (stage.cpu_user_seconds or 0) > 0


@pytest.mark.slow
def test_what_is_no_text_is_shown_escaped_at_the_end_of_a_run() -> None:
    recipe([{"id": "a", "run": "printf 'caf\\303\\251 \\377\\376 \\033[31m'; exit 3"}])
    told = taximeter("run", "recipe.yaml", "--run-id", "r", code=1).stderr
    assert "café \\xff\\xfe" in told
    assert "\x1b" not in told


@pytest.mark.slow
def test_one_that_prints_a_gigabyte_is_named_with_the_size_of_its_log() -> None:
    recipe([{"id": "a", "run": "yes | head -c 1000000000; exit 3"}])
    done = taximeter("run", "recipe.yaml", "--run-id", "r", code=1)
    found = RunDir(Path("output/runs/r"))
    report = build(found)
    assert report.stages[0].attempts[0].log_bytes == 1_000_000_000
    assert "Printed much, and all of it is kept: a (1.00 GB)." in trust(report)
    assert len(done.stderr) < 10_000
    found.stage("01_a").log(1).unlink()


@pytest.fixture
def small_disk(here: Path) -> Iterator[Path]:
    disk = here / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk]
    if os.getuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount: run the tests as root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.slow
def test_one_that_fills_the_disk_is_named_with_the_space_that_is_left(small_disk: Path) -> None:
    recipe(
        [
            {"id": "a", "run": [sys.executable, "calls.py", "3"]},
            # It stays, so that the state is due again: what is written when the journal has been cut finds room.
            {"id": "fill", "run": "cat /dev/zero > {stage_dir}/big; sleep 0.5; exit 1"},
        ],
        output_dir=str(small_disk),
    )
    done = taximeter("run", "recipe.yaml", "--run-id", "r", code=1)
    assert "Traceback" not in done.stderr
    assert "some files of the run could not be written: [Errno 28]" in done.stderr
    found = RunDir(small_disk / "runs/r")
    report = build(found)
    assert [s.status for s in report.stages] == ["done", "failed"]
    assert report.totals.calls == 3
    assert "exit code 1; the disk with " in (report.error or "")
    assert "Errno 28" in (report.trouble or "")
    assert shutil.disk_usage(small_disk).free < 1_000_000
    found.stage("02_fill").path.joinpath("big").unlink()
    taximeter("run", "recipe.yaml", "--run-id", "r", "--skip-done", "--end-at", "a", "--output-dir", str(small_disk))


def test_more_of_them_than_there_may_be_open_files_are_lost_and_can_be_run_later() -> None:
    recipe([{"id": f"s{number}", "run": "sleep 0.2"} for number in range(30)])
    command = f"ulimit -n 40; exec {' '.join(TAXIMETER)} run recipe.yaml --run-id r --jobs 30"
    assert subprocess.run(["sh", "-c", command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 1
    report = build(RunDir(Path("output/runs/r")))
    assert report.error is not None
    assert report.error.endswith(": it could not be started: Too many open files; with fewer --jobs it can")
    assert {stage.status for stage in report.stages} == {"done", "lost"}
    assert {stage.status for stage in build(run("--skip-done", "--jobs", "15")).stages} == {"done", "reused"}
