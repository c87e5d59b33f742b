"""From the start of a stage until nothing of it is left, whatever it does."""

import os
import signal
import time
from pathlib import Path

import pytest

from taximeter.run.messages import Done, Started
from tests.stages import Launcher, Stage, children, program, wait_until

DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
DAEMON = """
def daemon(then):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            then()
        os._exit(0)
"""


def ready(stage: Stage, launcher: Launcher, lines: int = 1) -> None:
    """Waits until the stage has printed so many lines."""
    stage.hear(Started)
    assert wait_until(lambda: launcher.log.exists() and launcher.log.read_bytes().count(b"\n") >= lines)


def seconds_until_gone(stage: Stage) -> float:
    began = time.monotonic()
    assert wait_until(lambda: not stage.processes())
    return time.monotonic() - began


def test_the_start_is_told_with_the_pid_and_the_time(launcher: Launcher) -> None:
    before = time.time()
    stage = launcher.launch(program("print(os.getpid())"))
    started = stage.hear(Started)
    figures = stage.figures()
    assert started.pid == figures.pid == int(launcher.log.read_text())
    assert started.started_at == figures.started_at
    assert before - 1 < started.started_at < time.time() + 1


@pytest.mark.parametrize("code", [0, 1, 77, 255])
def test_an_exit_code(launcher: Launcher, code: int) -> None:
    figures = launcher.run(["sh", "-c", f"exit {code}"])
    assert (figures.exit_code, figures.signal, figures.spawn_error) == (code, None, None)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_ended_it(launcher: Launcher, number: signal.Signals) -> None:
    figures = launcher.run(["sh", "-c", f"kill -{number} $$"])
    assert (figures.exit_code, figures.signal) == (None, number)


def test_stop_sends_term_to_every_process(launcher: Launcher) -> None:
    stage = launcher.launch(["sh", "-c", "trap 'echo told; exit 3' TERM; sleep 100 & echo; wait"])
    ready(stage, launcher)
    stage.handle.stop(20)
    figures = stage.figures()
    assert figures.exit_code == 3
    assert figures.wall_seconds < 10
    assert launcher.log.read_text() == "\ntold\n"


def test_what_hears_term_before_it_has_become_another_program_hears_it_again_as_that(launcher: Launcher) -> None:
    code = """
import signal
signal.signal(signal.SIGTERM, lambda *_: None)
if os.fork() == 0:
    print(flush=True)
    signal.pause()
    os.execvp("sleep", ["sleep", "100"])
os.wait()
"""
    stage = launcher.launch(program(code))
    ready(stage, launcher)
    stage.handle.stop(20)
    figures = stage.figures()
    assert (figures.exit_code, figures.deaf_processes) == (0, 0)


def test_who_has_heard_term_and_what_is_started_to_tidy_up_are_told_nothing_more(launcher: Launcher) -> None:
    tidy = "n=$((n + 1)); sleep 0.3 && echo tidied up $n; exit 0"
    script = f"trap '{tidy}' TERM; (trap '{tidy}' TERM; echo; while :; do sleep 0.05; done) & echo; wait"
    stage = launcher.launch(["sh", "-c", script])
    ready(stage, launcher, 2)
    stage.handle.stop(20)
    assert stage.figures().exit_code == 0
    assert [line for line in launcher.log.read_text().split("\n") if "tidied" in line] == ["tidied up 1"] * 2


def test_stop_kills_what_ignores_term_when_the_grace_is_over(launcher: Launcher) -> None:
    stage = launcher.launch(program(DEAF + "print(flush=True)\ntime.sleep(100)"))
    ready(stage, launcher)
    began = time.monotonic()
    stage.handle.stop(0.3)
    assert stage.figures().signal == signal.SIGKILL
    assert time.monotonic() - began >= 0.3


@pytest.mark.slow
def test_a_child_has_the_whole_grace_of_a_stop_after_the_stages_own_process_has_ended(launcher: Launcher) -> None:
    code = """
import signal
if os.fork() == 0:
    signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1.5), print("saved", flush=True), os._exit(0)))
print(flush=True)
time.sleep(100)
"""
    stage = launcher.launch(program(code), grace=0.1)
    ready(stage, launcher, lines=2)
    stage.handle.stop(20)
    assert stage.figures().leftover_processes == 0
    assert b"saved" in launcher.log.read_bytes()


def test_kill_ends_at_once(launcher: Launcher) -> None:
    stage = launcher.launch(program(DEAF + "os.fork()\nprint(flush=True)\ntime.sleep(100)"))
    ready(stage, launcher, lines=2)
    stage.handle.stop(100)
    stage.handle.kill()
    assert stage.figures().signal == signal.SIGKILL
    assert not stage.processes()


def test_an_order_that_comes_with_the_task_is_obeyed(launcher: Launcher) -> None:
    stage = launcher.launch(["sleep", "100"])
    stage.handle.kill()
    assert stage.figures().signal == signal.SIGKILL


def test_a_stopped_stage_can_be_killed(launcher: Launcher) -> None:
    stage = launcher.launch(["sleep", "100"])
    pid = stage.hear(Started).pid
    os.kill(pid, signal.SIGSTOP)
    assert wait_until(lambda: ") T " in Path(f"/proc/{pid}/stat").read_text())
    stage.handle.stop(0.1)
    assert stage.figures().signal == signal.SIGKILL


def test_a_leftover_that_ends_within_the_grace_is_none(launcher: Launcher) -> None:
    figures = launcher.run(["sh", "-c", "(sleep 0.3; echo late) & exit 0"])
    assert launcher.log.read_text() == "late\n"
    assert figures.leftover_processes == 0
    assert figures.wall_seconds < 0.3


def test_leftovers_get_the_grace_then_term(launcher: Launcher) -> None:
    began = time.monotonic()
    figures = launcher.run(["sh", "-c", "sleep 100 & sleep 100 & exit 5"], grace=0.3)
    assert 0.3 <= time.monotonic() - began < 10
    assert (figures.exit_code, figures.leftover_processes) == (5, 2)
    assert figures.wall_seconds < 0.3


def test_leftovers_that_ignore_term_are_killed(launcher: Launcher) -> None:
    stage = launcher.launch(program(DEAF + "if os.fork() == 0: time.sleep(100)"), grace=0.1)
    assert stage.figures().leftover_processes == 1
    assert not stage.processes()


def test_a_daemon_is_ended_and_counted(launcher: Launcher) -> None:
    code = DAEMON + DEAF + "daemon(lambda: (print(os.getpid(), flush=True), time.sleep(100)))\ntime.sleep(0.3)"
    stage = launcher.launch(program(code), grace=0.1)
    assert stage.figures().leftover_processes == 1
    assert not stage.processes()


def test_a_daemon_of_a_daemon_is_ended_by_a_kill(launcher: Launcher) -> None:
    code = DAEMON + DEAF
    code += "daemon(lambda: (daemon(lambda: (print(flush=True), time.sleep(100))), print(flush=True), time.sleep(100)))"
    stage = launcher.launch(program(code + "\ntime.sleep(100)"))
    ready(stage, launcher, lines=2)
    stage.handle.kill()
    stage.figures()
    assert not stage.processes()


def test_a_stage_that_closes_its_pipes_and_changes_its_group_is_watched_on(launcher: Launcher) -> None:
    code = "print(flush=True)\nos.closerange(0, 100)\nos.setsid() if os.fork() else os.setpgid(0, 0)\ntime.sleep(0.5)"
    stage = launcher.launch(program("if os.fork(): os.wait(); sys.exit(4)\n" + code))
    assert stage.figures().exit_code == 4
    assert not stage.processes()


def test_a_process_that_joins_the_supervisors_group_is_killed_and_the_supervisor_is_not(launcher: Launcher) -> None:
    code = DEAF + "os.setpgid(0, os.getsid(0))\nprint(flush=True)\ntime.sleep(100)"
    stage = launcher.launch(program(code))
    ready(stage, launcher)
    stage.handle.kill()
    assert stage.figures().signal == signal.SIGKILL


def test_200_children_are_ended_and_counted(launcher: Launcher) -> None:
    code = "for _ in range(200):\n if os.fork() == 0: time.sleep(100)"
    stage = launcher.launch(program(code), grace=0)
    assert stage.figures().leftover_processes == 200
    assert not stage.processes()


def test_processes_that_never_stop_forking_do_not_outrun_their_end(launcher: Launcher) -> None:
    code = (
        DEAF
        + """
for _ in range(8):
    if os.fork() == 0:
        os.setsid()
        while os.fork() == 0:
            pass
        os._exit(0)
print(flush=True)
time.sleep(100)
"""
    )
    stage = launcher.launch(program(code))
    ready(stage, launcher)
    stage.handle.kill()
    stage.hear(Done)
    assert not stage.processes()


def test_a_stage_dies_with_its_handle(launcher: Launcher) -> None:
    code = DAEMON + DEAF + "daemon(lambda: (print(flush=True), time.sleep(100)))\nprint(flush=True)\ntime.sleep(100)"
    stage = launcher.launch(program(code))
    ready(stage, launcher, lines=2)
    stage.handle.close()
    assert seconds_until_gone(stage) < 2


def test_the_last_figures_are_written_even_when_nobody_listens_any_more(launcher: Launcher) -> None:
    stage = launcher.launch(["sleep", "100"])
    stage.hear(Started)
    stage.handle.close()
    assert wait_until(lambda: launcher.usage.exists() and b'"done"' in launcher.usage.read_bytes())
    assert b'"signal": 9' in launcher.usage.read_bytes()


def test_a_usage_file_that_cannot_be_written_costs_the_stage_nothing(launcher: Launcher) -> None:
    figures = launcher.run(["sh", "-c", "exit 3"], usage_path=str(launcher.folder / "gone" / "usage.json"))
    assert figures.exit_code == 3
    assert figures.cpu_user_seconds is not None


def test_a_driver_that_does_not_read_stops_no_stage(launcher: Launcher) -> None:
    stage = launcher.launch(["sh", "-c", "sleep 0.5; echo ended"])
    assert wait_until(lambda: launcher.log.exists() and launcher.log.read_text() == "ended\n")
    assert stage.figures().exit_code == 0


def test_no_zombie_is_left_and_no_process_below_a_supervisor_that_waits(launcher: Launcher) -> None:
    for _ in range(5):
        launcher.run(["sh", "-c", "true & true | true; exit 0"])
    supervisors = children(launcher.forkserver.pid)
    assert wait_until(lambda: not any(map(children, supervisors)))
    assert len(supervisors) <= 8
