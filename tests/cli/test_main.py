"""The command line as a shell meets it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TAXIMETER = f"{sys.executable} -m taximeter"


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "recipe.yaml").write_text('stages: [{id: a, run: "echo hello"}]')
    return tmp_path


@pytest.mark.slow
def test_help_lists_every_command_with_its_purpose(here: Path) -> None:
    told = shell(f"{TAXIMETER} --help", here).stdout
    for name in ("demo", "run", "runs", "show", "validate"):
        assert f"\n  {name} " in told
        assert shell(f"{TAXIMETER} {name} --help", here).stdout.startswith("Usage: ")


def test_help_imports_no_pydantic_and_no_rich(here: Path) -> None:
    program = (
        "import sys; from taximeter.cli.main import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: print([m for m in ('pydantic', 'rich', 'yaml') if m in sys.modules], file=sys.stderr)"
    )
    assert shell(f'{sys.executable} -c "{program}"', here).stderr.strip() == "[]"


def test_an_unknown_command_is_a_usage_error(here: Path) -> None:
    done = shell(f"{TAXIMETER} runn", here)
    assert done.returncode == 2
    assert "No such command 'runn'. Did you mean 'run'?" in done.stderr


@pytest.mark.parametrize("streams", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_do_no_harm(here: Path, streams: str) -> None:
    assert shell(f"{TAXIMETER} run recipe.yaml --run-id r {streams}", here).returncode == 0
    assert (here / "output/runs/r/01_a/log.1.txt").read_text() == "hello\n"


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error_to_talk_about(here: Path) -> None:
    shell(f"{TAXIMETER} run recipe.yaml --run-id r", here)
    read = ("runs --json | head -c 1", "prices --json | head -c 1")
    asked = ("show --json | true", *read, "prices | true", "reprice r | true")
    done = shell("; ".join(f"{TAXIMETER} {command}" for command in asked), here)
    assert done.stdout == "{{"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("reader", ["2>&1 | head -1", "| true", "--json | head -c 1", "2>&1 | true"])
def test_the_exit_code_speaks_for_the_run_when_nobody_reads_its_report(here: Path, reader: str) -> None:
    done = shell(f"bash -c 'set -o pipefail; {TAXIMETER} run recipe.yaml --run-id r --instrument {reader}'", here)
    assert done.returncode == 0
    assert '"done"' in (here / "output/runs/r/pipeline_state.json").read_text()


@pytest.mark.parametrize("place", ["/proc/nowhere", "/dev/null/x"])
def test_a_place_where_nothing_can_be_made_is_told(here: Path, place: str) -> None:
    done = shell(f"{TAXIMETER} run recipe.yaml --output-dir {place}", here)
    assert done.returncode == 2
    assert done.stderr.startswith("taximeter: cannot make")
    assert "--output-dir" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["run recipe.yaml", "runs", "show"])
def test_an_output_folder_without_a_name_is_a_usage_error(here: Path, command: str) -> None:
    done = shell(f"{TAXIMETER} {command} --output-dir ''", here)
    assert done.returncode == 2
    assert "Invalid value for '--output-dir': the name of the folder is empty" in done.stderr
    assert not (here / "runs").exists()


@pytest.mark.parametrize(("program", "ends"), [("false", 0), ("echo why; false", 1)])
def test_only_a_stage_that_printed_something_shows_the_end_of_its_log(here: Path, program: str, ends: int) -> None:
    (here / "recipe.yaml").write_text(f'stages: [{{stage: a, run: "{program}"}}]')
    assert shell(f"{TAXIMETER} run recipe.yaml", here).stderr.count("-- the end of") == ends


def test_a_full_device_is_told_and_not_traced(here: Path) -> None:
    shell(f"{TAXIMETER} run recipe.yaml", here)
    done = shell(f"{TAXIMETER} show > /dev/full", here)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_an_interrupt_ends_a_command_as_shells_expect_it(here: Path) -> None:
    pipe = here / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-m", "taximeter", "validate", "--schema", "instrumentation_call_v1", str(pipe)]
    )
    with pipe.open("wb"):  # not before the command has opened it, too
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_while_the_command_is_loaded_ends_it_without_a_traceback(number: int, code: int) -> None:
    program = f"""
import os, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "click":
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Finder())
from taximeter.cli.start import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
