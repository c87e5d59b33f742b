"""The driver's side: what it starts, hears, and closes."""

import fcntl
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taximeter.run.launcher import Forkserver
from taximeter.run.messages import Done, Started
from taximeter.rundir import RunDir
from tests.stages import Launcher, wait_until


def test_a_task_can_be_launched_before_the_forkserver_is_up(tmp_path: Path) -> None:
    forkserver = Forkserver.start()
    launcher = Launcher(forkserver, tmp_path)
    stages = [launcher.launch(["true"], usage_path=None) for _ in range(10)]
    assert [stage.figures().exit_code for stage in stages] == [0] * 10
    launcher.close()
    forkserver.close()


def test_reading_never_waits_and_the_last_message_is_done(launcher: Launcher) -> None:
    stage = launcher.launch(["sleep", "0.3"])
    began = time.monotonic()
    assert not any(isinstance(message, Done) for message in stage.handle.read())
    assert time.monotonic() - began < 0.2
    stage.hear(Done)
    select.select([stage.handle], [], [], 10)
    assert stage.handle.read() == []
    assert isinstance(stage.messages[-1], Done)


def test_closing_it_ends_every_stage_and_leaves_no_process(tmp_path: Path) -> None:
    forkserver = Forkserver.start()
    launcher = Launcher(forkserver, tmp_path)
    stage = launcher.launch(["sleep", "100"])
    stage.hear(Started)
    forkserver.close()
    assert not stage.processes()
    assert not Path(f"/proc/{forkserver.pid}").exists()
    launcher.close()


def test_an_idle_forkserver_closes_at_once() -> None:
    forkserver = Forkserver.start()
    began = time.monotonic()
    forkserver.close()
    assert time.monotonic() - began < 2


def test_it_works_when_the_drivers_standard_streams_are_closed(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from taximeter.run.launcher import Forkserver
from tests.stages import Launcher
forkserver = Forkserver.start()
launcher = Launcher(forkserver, Path(sys.argv[1]))
figures = launcher.run(["sh", "-c", "echo heard; exit 9"])
forkserver.close()
os._exit(figures.exit_code)
"""
    shell = 'exec "$0" "$@" <&- >&- 2>&-'
    driver = subprocess.run(["sh", "-c", shell, sys.executable, "-c", code, str(tmp_path)], check=False)
    assert driver.returncode == 9
    assert (tmp_path / "log.txt").read_text() == "heard\n"


def test_the_drivers_own_children_hold_none_of_its_connections(launcher: Launcher) -> None:
    stage = launcher.launch(["sleep", "100"])
    stage.hear(Started)
    with subprocess.Popen(["sleep", "100"], close_fds=False) as child:
        stage.handle.close()
        assert wait_until(lambda: not stage.processes(), 3)
        child.kill()


def test_no_descriptor_of_the_driver_is_lost(launcher: Launcher) -> None:
    launcher.run(["true"])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        launcher.run(["true"])
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 8  # free seats


def test_a_lock_is_held_until_the_last_stage_is_gone_though_the_driver_is_dead(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "r")
    run.create()
    forkserver = Forkserver.start()
    lock = run.lock()
    forkserver.hold(lock.stages)
    lock.close()  # as if this process had died
    assert not run.is_held()
    with run.stages_lock_file.open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    forkserver.close()
    run.lock().close()
