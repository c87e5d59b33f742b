"""`taximeter exec`: real commands, as they are without it."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from taximeter.report.build import build
from taximeter.report.records import RunInstrumentation
from taximeter.rundir import RunDir
from tests.run.pipelines import TAXIMETER, here, lines
from tests.stages import MARK, PATIENCE, marked, wait_until

__all__ = ["here"]  # a fixture
pytestmark = pytest.mark.usefixtures("here")

EXEC = [*TAXIMETER, "exec", "--run-id", "r", "--price-table", "prices.yaml"]
RUN = RunDir(Path("output/runs/r"))
COUNTS_SIGNALS = """
import os, signal, time
heard = os.open("heard", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda number, frame: os.write(heard, b"%d\\n" % number))
open("heard.pid", "w").write(str(os.getpid()))
print("ready", flush=True)
while not os.path.exists("enough"):
    time.sleep(0.02)
"""
"""A program that notes each signal, and ends when it may."""


def execute(
    *command: str, code: int = 0, flags: tuple[str, ...] = (), **how: object
) -> subprocess.CompletedProcess[bytes]:
    given = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": 60, **how}
    done = subprocess.run([*EXEC, *flags, "--", *command], **given)  # type: ignore[call-overload]  # of a test
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def start(*command: str, mark: str = "", **how: object) -> subprocess.Popen[bytes]:
    given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    return subprocess.Popen([*EXEC, "--", *command], env=os.environ | {MARK: mark}, **given)  # type: ignore[call-overload]


def report() -> RunInstrumentation:
    return build(RUN)


# -- a command as it is ------------------------------------------------------------------------------------------------


def test_a_command_has_the_streams_and_the_rest_is_told_on_standard_error_at_the_end() -> None:
    done = execute("sh", "-c", "tr a-z A-Z; echo mine >&2", stdin=None, input=b"every byte \xff\n")
    assert done.stdout == b"EVERY BYTE \xff\n"
    mine, _, ours = done.stderr.partition(b"\n")
    assert mine == b"mine"
    assert b"sh     done" in ours
    assert b"run directory: output/runs/r" in ours


def test_quiet_says_nothing_and_json_says_the_report() -> None:
    assert execute("true", flags=("--quiet",)).stderr == b""
    told = execute("true", flags=("--json", "--run-id", "other")).stderr
    assert json.loads(told)["run_id"] == "other"


@pytest.mark.parametrize(
    ("command", "code", "status", "error"),
    [
        (["sh", "-c", "exit 3"], 3, "failed", "exit code 3"),
        (["sh", "-c", "kill -9 $$"], 137, "failed", "killed by SIGKILL"),
        (["sh", "-c", "kill -TERM $$"], 143, "failed", "killed by SIGTERM"),
        (["true"], 0, "done", None),
    ],
)
def test_the_exit_code_is_the_commands(command: list[str], code: int, status: str, error: str | None) -> None:
    execute(*command, code=code)
    found = report()
    assert (found.status, found.error, found.stages[0].status) == (status, error, status)
    started, ended = lines(Path("output/run_manifest.jsonl"))
    assert (started["status"], ended["status"], ended["totals"]["metered"]) == ("running", status, True)


def test_what_cannot_be_run_is_told_as_a_shell_tells_it() -> None:
    Path("tool").write_text("#!/bin/sh\n")
    told = execute("no-such-tool", code=127).stderr
    assert told == b"taximeter: cannot run no-such-tool: not found in PATH\n"
    told = execute("./tool", code=126, flags=("--run-id", "second")).stderr
    assert told == b"taximeter: cannot run ./tool: Permission denied\n"
    assert (report().status, report().error) == ("failed", "cannot run no-such-tool: not found in PATH")


def test_bad_usage_is_exit_code_2_and_runs_nothing() -> None:
    touch = ("sh", "-c", "touch ran")
    assert b"Missing argument 'COMMAND" in execute(code=2).stderr
    assert b"none.yaml" in execute(*touch, code=2, flags=("--price-table", "none.yaml")).stderr
    assert b"cannot name a directory" in execute(*touch, code=2, flags=("--run-id", "a/b")).stderr
    RUN.path.mkdir(parents=True)
    assert b"exists already: choose another --run-id" in execute(*touch, code=2).stderr
    Path("file").touch()
    told = execute(*touch, code=2, flags=("--output-dir", "file/below")).stderr
    assert b"name another place with --output-dir" in told
    assert not Path("ran").exists()


def test_options_of_the_command_are_its_own_with_and_without_two_dashes() -> None:
    code = "import sys; print(sys.argv[1:])"
    assert execute(sys.executable, "-c", code, "--json", "--", "-x").stdout == b"['--json', '--', '-x']\n"
    without = subprocess.run([*EXEC, "--run-id", "s", sys.executable, "-c", code, "--quiet"], capture_output=True)
    assert without.stdout == b"['--quiet']\n"


def test_words_that_are_no_utf8_arrive_and_secrets_among_them_are_not_kept() -> None:
    done = execute("printf", "%s", "odd \udcff", "--api-key=sk-0123456789abcdef")
    assert done.stdout == b"odd \xff--api-key=sk-0123456789abcdef"
    kept = b"".join(path.read_bytes() for path in RUN.path.rglob("*") if path.is_file())
    assert b"0123456789abcdef" not in kept


def test_open_files_of_the_caller_are_the_commands_and_none_of_ours() -> None:
    read, write = os.pipe()
    done = execute("bash", "-c", f"echo through >&{write}; ls /proc/self/fd", pass_fds=(write,))
    os.close(write)
    assert os.read(read, 100) == b"through\n"
    os.close(read)
    assert sorted(map(int, done.stdout.split())) == [0, 1, 2, 3, write]  # 3 is the listing itself


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_stays_closed(closed: str) -> None:
    """Inside the command its number is free: a file that it opens may get it, as without us."""
    look = "sh -c 'for n in 0 1 2; do if [ -e /proc/$$/fd/$n ]; then echo $n; fi; done > seen' "
    subprocess.run(["sh", "-c", f"{look} {closed}"], check=False)
    without = Path("seen").read_text()
    Path("seen").unlink()
    command = " ".join([*EXEC, "--quiet", "--", look, closed])
    assert subprocess.run(["sh", "-c", command]).returncode == 0
    assert Path("seen").read_text() == without


def test_standard_error_that_nobody_reads_changes_no_exit_code() -> None:
    done = subprocess.run(["sh", "-c", " ".join([*EXEC, "--", "sh", "-c", "'exit 3'", "2>/dev/full"])])
    assert done.returncode == 3


def test_the_run_is_named_after_the_program() -> None:
    Path("agent.py").write_text("")
    for command, name in (
        (["true"], "true"),
        ([sys.executable, "agent.py"], "agent"),
        ([sys.executable, "-m", "json.tool", "--help"], "json.tool"),
        ([sys.executable, "-c", "pass"], Path(sys.executable).name),
    ):
        subprocess.run(
            [*TAXIMETER, "exec", "-q", "--output-dir", name, "--", *command], check=True, capture_output=True
        )
        [run] = Path(name, "runs").iterdir()
        assert run.name.startswith(f"{name}-2")
        assert [stage.id for stage in build(RunDir(run)).stages] == [name]


def test_a_script_and_its_descendants_are_metered_with_their_calls_in_any_language() -> None:
    Path("tool").write_text("#!/bin/sh\n(python calls.py 2 & wait) | cat\n" + _appended_call())
    Path("tool").chmod(0o755)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    execute("./tool", env=os.environ | {"PATH": path})
    [stage] = report().stages
    assert (stage.id, stage.llm_totals.calls, str(stage.llm_totals.cost)) == ("tool", 3, "0.012000")
    assert stage.methods["cpu_user_seconds"] == "exact"
    assert stage.cpu_user_seconds


def _appended_call() -> str:
    call = {"schema_version": "instrumentation_call_v1", "model": "big", "prompt_tokens": 1000}
    return f"echo '{json.dumps(call)}' >> $INSTRUMENT_SINK\n"


def test_a_command_does_not_wait_for_what_only_its_report_needs() -> None:
    code = "import sys, taximeter.cli.main, taximeter.cli.exec; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic", "yaml", "jsonschema", "genai_prices", "taximeter.report.build"} & set(loaded)


def test_the_report_is_there_while_the_command_runs() -> None:
    with start("sh", "-c", "until [ -e go ]; do sleep 0.05; done") as running:
        assert wait_until(RUN.report_json.exists)
        told = json.loads(RUN.report_json.read_bytes())
        Path("go").touch()
        running.communicate(timeout=60)
    assert (told["status"], running.returncode) == ("running", 0)
    assert RUN.report_html.exists()


# -- signals -----------------------------------------------------------------------------------------------------------


def counting() -> list[str]:
    Path("counts.py").write_text(COUNTS_SIGNALS)
    return [sys.executable, "counts.py"]


def heard() -> list[int]:
    return [int(line) for line in Path("heard").read_text().split()]


def test_signals_for_us_are_for_the_command_which_may_do_as_it_likes() -> None:
    with start(*counting()) as running:
        assert running.stdout is not None
        running.stdout.readline()
        for count, number in enumerate((signal.SIGTERM, signal.SIGINT, signal.SIGUSR1), start=1):
            running.send_signal(number)
            assert wait_until(lambda count=count: len(heard()) == count)
        Path("enough").touch()
        running.communicate(timeout=60)
    assert (heard(), running.returncode, report().status) == ([15, 2, 10], 0, "done")


def test_a_signal_for_the_whole_group_comes_to_the_command_once() -> None:
    with start(*counting(), start_new_session=True) as running:
        assert running.stdout is not None
        running.stdout.readline()
        os.killpg(running.pid, signal.SIGINT)
        assert wait_until(heard)
        running.send_signal(signal.SIGUSR1)  # passed on after whatever was to be passed on before
        assert wait_until(lambda: 10 in heard())
        Path("enough").touch()
        running.communicate(timeout=60)
    assert (heard(), running.returncode) == ([2, 10], 0)


def test_a_command_that_a_signal_ends_was_cancelled() -> None:
    with start("sh", "-c", "echo ready; exec sleep 60") as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
    assert (running.returncode, report().status, report().error) == (143, "cancelled", "ended by SIGTERM")


def test_a_signal_that_is_ignored_is_ignored_by_the_command_too() -> None:
    code = "import signal; print(int(signal.getsignal(signal.SIGHUP)), int(signal.getsignal(signal.SIGUSR1)))"
    script = f'trap "" HUP; {" ".join(EXEC)} -- {sys.executable} -c "{code}"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    assert done.stdout.split("\n")[0] == f"{int(signal.SIG_IGN)} {int(signal.SIG_DFL)}"


def test_what_the_command_leaves_behind_gets_a_grace_and_is_named_and_a_signal_cuts_that_short() -> None:
    mark = uuid.uuid4().hex
    with start("sh", "-c", "(trap '' TERM; sleep 600) & echo $$", mark=mark) as running:
        assert running.stdout is not None
        shell = int(running.stdout.readline())
        assert wait_until(lambda: shell not in marked(mark))
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert (running.returncode, report().stages[0].attempts[0].leftover_processes) == (0, 1)


def test_exec_that_is_killed_takes_all_with_it_and_the_run_is_lost_but_what_was_spent_counts() -> None:
    mark = uuid.uuid4().hex
    script = f"{sys.executable} calls.py 3 >&2; setsid sleep 60 & (sleep 60 & sleep 60) & echo ready; wait"
    with start("bash", "-c", script, mark=mark) as running:
        assert running.stdout is not None
        running.stdout.readline()
        assert wait_until(lambda: list(RUN.events.glob("calls-*.jsonl")))
        running.kill()
        running.communicate(timeout=60)
    assert wait_until(lambda: not marked(mark)), marked(mark)
    found = report()
    assert (found.status, found.stages[0].status, found.totals.calls) == ("lost", "lost", 3)
    assert str(found.totals.cost) == "0.013500"


def test_a_signal_for_us_and_then_for_all_as_timeout_sends_it_ends_the_command() -> None:
    with start("sh", "-c", "echo ready; exec sleep 60", start_new_session=True) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        os.killpg(running.pid, signal.SIGTERM)
        running.communicate(timeout=60)
    assert (running.returncode, report().status) == (143, "cancelled")


@pytest.mark.parametrize("victim", ["supervisor", "forkserver"])
def test_a_command_whose_supervisor_is_gone_is_ended_and_its_end_is_not_known(victim: str) -> None:
    mark = uuid.uuid4().hex
    with start("sh", "-c", "setsid sleep 60 & echo $PPID; sleep 60", mark=mark) as running:
        assert running.stdout is not None
        supervisor = int(running.stdout.readline())
        parent = int(Path(f"/proc/{supervisor}/stat").read_text().split()[3])
        os.kill(supervisor if victim == "supervisor" else parent, signal.SIGKILL)
        running.communicate(timeout=60)
    assert (running.returncode, report().status, report().error) == (125, "lost", "its supervisor died")
    assert wait_until(lambda: not marked(mark)), marked(mark)


def test_where_nothing_can_be_written_another_place_is_to_be_named(here: Path) -> None:
    told = subprocess.run([*TAXIMETER, "exec", "--", "true"], cwd="/sys", capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("taximeter: cannot make /sys/output/runs/true-")
    assert told.stderr.endswith("; name another place with --output-dir\n")
    done = subprocess.run(
        [*EXEC[:-2], "-q", "--output-dir", here, "--", "pwd"], cwd="/sys", capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "/sys\n", "")


@pytest.mark.parametrize("command", ["exec -- echo", "run ../recipe.yaml", "doctor"])
def test_where_the_working_directory_is_gone_it_says_so(here: Path, command: str) -> None:
    Path("recipe.yaml").write_text("stages: [{id: a, run: 'true'}]")
    script = f"mkdir gone; cd gone; rmdir ../gone; {' '.join(TAXIMETER)} {command}"
    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (2, "taximeter: the working directory is gone: go to one that is there\n")


def test_an_environment_without_anything_will_do() -> None:
    done = subprocess.run([*TAXIMETER, "exec", "-q", "--", "/bin/echo", "well"], env={}, capture_output=True)
    assert (done.stdout, done.stderr) == (b"well\n", b"")


# -- terminals ---------------------------------------------------------------------------------------------------------


class Terminal:
    """A terminal in which a shell with job control runs."""

    def __init__(self) -> None:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.seen = ""

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def shows(self, text: str) -> bool:
        """Waits until the text stands there, and forgets all up to it."""
        end = time.monotonic() + PATIENCE
        while text not in self.seen and time.monotonic() < end:
            if select.select([self._fd], [], [], 0.1)[0]:
                self.seen += os.read(self._fd, 1 << 16).decode()
        before, found, self.seen = self.seen.partition(text)
        return bool(found) or pytest.fail(f"no {text!r} in:\n{before}")

    def close(self) -> None:
        os.close(self._fd)
        os.waitpid(self._pid, 0)


@pytest.fixture
def terminal(here: Path) -> Terminal:
    made = Terminal()
    made.type("export LC_ALL=C PS1='$?''> '\n")
    made.shows("0> ")
    yield made
    made.close()


def typed(*command: str) -> str:
    return " ".join([*EXEC, "-q", "--", *command]) + "\n"


def test_a_terminal_stays_a_terminal(terminal: Terminal) -> None:
    terminal.type(typed("sh", "-c", "'tty <&2; tty; read x </dev/tty; echo got-$x'"))
    terminal.shows("/dev/pts/")
    terminal.shows("/dev/pts/")
    terminal.type("this\n")
    terminal.shows("got-this")
    terminal.shows("0> ")


def test_control_c_reaches_the_command_once(terminal: Terminal) -> None:
    terminal.type(typed(*counting()))
    terminal.shows("ready")
    terminal.type("\x03")
    assert wait_until(heard)
    ours = int(Path("heard.pid").read_text())
    for _ in range(3):  # its supervisor, the forkserver, and us
        ours = int(Path(f"/proc/{ours}/stat").read_text().split()[3])
    os.kill(ours, signal.SIGUSR1)  # passed on after whatever was to be passed on before
    assert wait_until(lambda: 10 in heard())
    Path("enough").touch()
    terminal.shows("0> ")
    assert heard() == [2, 10]


def test_control_c_and_control_backslash_end_a_command_that_does_not_mind(terminal: Terminal) -> None:
    terminal.type(typed("sh", "-c", "'echo rea''dy; exec sleep 60'"))
    terminal.shows("ready")
    terminal.type("\x03")
    terminal.shows("130> ")
    terminal.type(typed("sh", "-c", "'ulimit -c 0; echo rea''dy; exec sleep 60'").replace("--run-id r", "--run-id q"))
    terminal.shows("ready")
    terminal.type("\x1c")
    terminal.shows("131> ")


def test_control_z_stops_the_job_and_fg_goes_on_with_it(terminal: Terminal) -> None:
    terminal.type(typed("sh", "-c", "'echo rea''dy; read x; echo got-$x'"))
    terminal.shows("ready")
    terminal.type("\x1a")
    terminal.shows("Stopped")
    terminal.shows("148> ")
    terminal.type("fg\n")
    terminal.shows("sh -c")
    terminal.type("this\n")
    terminal.shows("got-this")
    terminal.shows("0> ")


def test_a_pipeline_ends_when_its_reader_does(terminal: Terminal) -> None:
    terminal.type(typed("yes").rstrip() + " | head -n 1; echo ${PIPESTATUS[*]}\n")
    terminal.shows("y\r\n")
    terminal.shows("141 0")


def test_a_shell_with_jobs_of_its_own_works_inside(terminal: Terminal) -> None:
    terminal.type(typed("env", "PS1=inside\\>", "bash", "--norc", "--noprofile", "-i"))
    terminal.shows("inside>")
    terminal.type("sleep 50\n")
    terminal.shows("sleep 50")
    time.sleep(0.3)
    terminal.type("\x1a")
    terminal.shows("Stopped")
    terminal.type("fg\n")
    terminal.shows("sleep 50")
    time.sleep(0.3)
    terminal.type("\x03")
    terminal.shows("inside>")
    terminal.type("exit 9\n")
    terminal.shows("9> ")
    terminal.type("sh -c 'read x </dev/tty; echo got-$x'\nthis\n")
    terminal.shows("got-this")


def test_a_terminal_that_is_closed_ends_the_command_and_its_run(here: Path) -> None:
    mark = uuid.uuid4().hex
    terminal = Terminal()
    terminal.type(f"export {MARK}={mark}\n" + typed("sh", "-c", "'echo rea''dy; sleep 600'"))
    terminal.shows("ready")
    terminal.close()
    assert wait_until(lambda: not marked(mark)), marked(mark)
    assert (report().status, report().error) == ("cancelled", "ended by SIGHUP")
