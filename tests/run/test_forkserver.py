"""Whoever is killed, and whenever: no process of a stage stays behind, and the others notice."""

import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taximeter.run.messages import Lost, Started
from tests.stages import Launcher, Stage, children, marked, program, wait_until

STUBBORN = program("""
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            break
        os._exit(0)
print(flush=True)
time.sleep(100)
""")
"""Four processes that ignore TERM; three of them are orphans in sessions of their own."""

DRIVER = """
import sys, time
from pathlib import Path
from taximeter.run.launcher import Forkserver
from tests.stages import Launcher
forkserver = Forkserver.start()
launcher = Launcher(forkserver, Path(sys.argv[1]))
stages = [launcher.launch(sys.argv[3:], env={"MARK": sys.argv[2]}) for _ in range(2)]
print(forkserver.pid, flush=True)
time.sleep(100)
"""

SHORT = 3.0
"""Seconds, by far enough: it takes 0.3 on a quiet machine."""


def all_started(stage: Stage, launcher: Launcher) -> None:
    stage.hear(Started)
    assert wait_until(lambda: launcher.log.exists() and launcher.log.read_bytes().count(b"\n") == 4)


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_supervisor_takes_its_stage_along_and_the_driver_reads_lost(own: Launcher) -> None:
    stage, other = own.launch(STUBBORN), own.launch(["sleep", "100"], usage_path=None)
    other.hear(Started)
    all_started(stage, own)
    (supervisor,) = {pid for pid in children(own.forkserver.pid) if stage.hear(Started).pid in children(pid)}
    os.kill(supervisor, signal.SIGKILL)
    stage.hear(Lost)
    assert wait_until(lambda: not stage.processes(), SHORT)
    assert len(other.processes()) == 1
    assert wait_until(lambda: len(children(own.forkserver.pid)) == 2)  # that of the other, and one that waits


def test_stages_one_after_the_other_share_supervisors_and_leave_nothing_in_them(own: Launcher) -> None:
    assert own.run(["true"]).exit_code == 0
    for number in range(20):
        folder = own.folder / str(number)
        folder.mkdir()
        log = folder / "log"
        assert own.run(["sh", "-c", "pwd; exit 3"], cwd=str(folder), log_path=str(log)).exit_code == 3
        assert log.read_text() == f"{folder}\n"
        assert wait_until(lambda: not any(_holds(pid, own.folder) for pid in children(own.forkserver.pid)))
    assert len(children(own.forkserver.pid)) < 8


def _holds(pid: int, folder: Path) -> bool:
    """Whether the process is in that folder, or has a file in it open."""
    try:
        links = [Path(f"/proc/{pid}/cwd"), *Path(f"/proc/{pid}/fd").iterdir()]
        return any(link.readlink().is_relative_to(folder) for link in links)
    except FileNotFoundError:  # a file that was closed just now
        return True


def test_not_many_supervisors_wait(own: Launcher) -> None:
    stages = [own.launch(["sleep", "0.3"], usage_path=None) for _ in range(12)]
    for stage in stages:
        assert stage.figures().exit_code == 0
    assert wait_until(lambda: len(children(own.forkserver.pid)) == 8 + 2)  # free seats, and what waits for a new one


def test_a_supervisor_that_is_killed_while_it_waits_for_a_stage_is_not_missed(own: Launcher) -> None:
    for _ in range(3):
        assert own.run(["true"]).exit_code == 0
        assert wait_until(
            lambda: len(children(own.forkserver.pid)) == 2
        )  # the one that was, and the one that was ahead
        for supervisor in children(own.forkserver.pid):
            os.kill(supervisor, signal.SIGKILL)
        assert wait_until(lambda: not children(own.forkserver.pid))


def test_a_killed_forkserver_is_noticed_and_closing_the_handles_ends_the_stages(own: Launcher) -> None:
    stage = own.launch(STUBBORN)
    all_started(stage, own)
    os.kill(own.forkserver.pid, signal.SIGKILL)
    assert wait_until(lambda: _is_readable(own.forkserver.fileno()), SHORT)
    stage.handle.close()
    assert wait_until(lambda: not stage.processes(), SHORT)


def _is_readable(fd: int) -> bool:
    return bool(select.select([fd], [], [], 0)[0])


def test_a_task_for_a_dead_forkserver_is_lost(own: Launcher) -> None:
    os.kill(own.forkserver.pid, signal.SIGKILL)
    assert wait_until(lambda: _is_readable(own.forkserver.fileno()), SHORT)
    own.launch(["true"]).hear(Lost)


def test_a_killed_driver_leaves_nothing_behind(tmp_path: Path) -> None:
    mark = f"{tmp_path}"
    argv = [sys.executable, "-c", DRIVER, str(tmp_path), mark, *STUBBORN]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        forkserver = int(driver.stdout.readline())
        assert wait_until(lambda: len(_stage_processes(mark)) == 8)
        driver.kill()
        assert wait_until(lambda: not _stage_processes(mark) and not exists(forkserver), SHORT)


def _stage_processes(mark: str) -> set[int]:
    return marked(f"MARK={mark}")


@pytest.mark.slow
def test_killing_anyone_at_any_moment_leaves_nothing_behind(tmp_path: Path) -> None:
    chance = random.Random(0)
    for n in range(20):
        folder = tmp_path / str(n)
        folder.mkdir()
        argv = [sys.executable, "-c", DRIVER, str(folder), f"{folder}.", *STUBBORN]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as driver:
            assert driver.stdout is not None
            forkserver = int(driver.stdout.readline())
            time.sleep(chance.random() * 0.3)
            whom = chance.choice(["driver", "forkserver", "supervisors"])
            if whom == "supervisors":
                assert wait_until(lambda pid=forkserver: children(pid))  # on a busy machine there is none yet
            for pid in {"driver": {driver.pid}, "forkserver": {forkserver}}.get(whom) or children(forkserver):
                os.kill(pid, signal.SIGKILL)
            if whom == "forkserver":
                driver.kill()  # it would close the handles
            assert wait_until(lambda mark=f"{folder}.": not _stage_processes(mark), SHORT), (n, whom)
            driver.kill()
            assert wait_until(lambda pid=forkserver: not exists(pid), SHORT), (n, whom)


def test_what_everybody_gets_from_a_terminal_does_not_end_it(own: Launcher) -> None:
    own.run(["true"])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        os.kill(own.forkserver.pid, number)
    stage = own.launch(["sleep", "0.5"])
    stage.hear(Started)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        for supervisor in children(own.forkserver.pid):
            os.kill(supervisor, number)
    assert stage.figures().exit_code == 0


def test_it_loads_nothing_but_the_standard_library_and_of_that_little() -> None:
    code = "import sys, taximeter.run.forkserver; print(*sys.modules)"
    root = Path(__file__).parents[2] / "src"
    argv = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({str(root)!r}); {code}"]
    loaded = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    ours = {name for name in loaded if name.startswith("taximeter.") and name != "taximeter.run"}
    assert {name for name in ours if not name.startswith("taximeter.run.")} == {
        "taximeter.capture",
        "taximeter.capture.mark",
    }
    heavy = {
        "msgspec",
        "pydantic",
        "pathlib",
        "dataclasses",
        "inspect",
        "subprocess",
        "threading",
        "logging",
        "asyncio",
    }
    assert not heavy & set(loaded)
    assert len(loaded) < 100


def test_it_weighs_little_enough_not_to_show_in_the_figures(own: Launcher) -> None:
    figures = own.run(["true"])
    assert figures.max_rss_bytes is not None
    assert figures.max_rss_bytes < 20_000_000
