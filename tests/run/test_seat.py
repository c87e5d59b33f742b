"""A supervisor has one stage after the other, and none of them hears what another one was told."""

import os
import signal
import socket
from pathlib import Path

from taximeter.run.channel import READY
from taximeter.run.messages import Done, Lost
from taximeter.run.seat import Seat
from tests.stages import Launcher, children, wait_until


def test_a_stage_is_run_by_the_supervisor_of_an_earlier_one(own: Launcher) -> None:
    def parent() -> int:
        own.log.unlink(missing_ok=True)
        own.run(["sh", "-c", "echo $PPID"])
        return int(own.log.read_text())

    first = [parent() for _ in range(8)]
    assert len(set(first)) < len(first)
    assert set(first) <= children(own.forkserver.pid)


def test_an_order_that_comes_too_late_is_not_for_the_next_stage(own: Launcher) -> None:
    for _ in range(5):
        stage = own.launch(["true"])
        stage.hear(Done)
        stage.handle.stop(grace=0)
        stage.handle.kill()
        stage.handle.close()
        assert own.run(["sh", "-c", "sleep 0.05; exit 3"]).exit_code == 3


def test_a_seat_is_free_once_however_often_its_stage_is_let_go(own: Launcher) -> None:
    stage = own.launch(["true"])
    stage.hear(Done)
    stage.handle.close()
    stage.handle.close()
    both = [own.launch(["sh", "-c", "sleep 0.1; echo $PPID"]) for _ in range(2)]
    assert [stage.figures().exit_code for stage in both] == [0, 0]
    assert len(set(own.log.read_text().split())) == 2


def test_no_supervisor_takes_a_stage_when_the_forkserver_is_dead(own: Launcher) -> None:
    assert own.run(["true"]).exit_code == 0
    waiting = children(own.forkserver.pid)
    os.kill(own.forkserver.pid, signal.SIGKILL)
    assert wait_until(lambda: not any(_lives(pid) for pid in waiting))
    own.launch(["true"]).hear(Lost)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_the_seat_of_a_supervisor_that_said_ready_and_died_is_not_free() -> None:
    driver, supervisor = socket.socketpair()
    seat = Seat(driver)
    seat.take(b"{}")
    supervisor.sendall(READY + b"\n")
    supervisor.close()
    assert not seat.is_free()
    assert seat.is_dead
    seat.close()
