"""What `/proc` says of the processes below this one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter.run import proctree
from tests.stages import program, wait_until

TREE = program("""
os.fork()
os.fork()
print(flush=True)
sys.stdin.read()
""")


@pytest.fixture
def root() -> Iterator[int]:
    """A process with two children and a grandchild."""
    with subprocess.Popen(TREE, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(4):
            process.stdout.readline()
        yield process.pid
        proctree.kill(proctree.walk([process.pid]))


def test_a_walk_finds_every_process_below_parents_first(root: int) -> None:
    processes = proctree.walk([root])
    pids = [process.pid for process in processes]
    assert len(set(pids)) == len(pids) == 4
    assert pids[0] == root
    assert processes[0].parent == os.getpid()
    for process in processes[1:]:
        assert process.parent in pids[: pids.index(process.pid)]


def test_a_kernel_that_lists_no_children_is_asked_for_parents(root: int, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, own = {process.pid for process in proctree.walk([root])}, proctree.children()
    monkeypatch.setattr(proctree, "LISTED", False)
    assert {process.pid for process in proctree.walk([root])} == listed
    assert proctree.children() == own


def test_a_name_with_a_parenthesis_and_spaces_is_read(tmp_path: Path) -> None:
    odd = tmp_path / "a) R 1 (b"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([str(odd), "100"]) as process:
        try:
            assert wait_until(lambda: "a) R 1 (b" in Path(f"/proc/{process.pid}/comm").read_text())
            (found,) = proctree.walk([process.pid])
            assert found.parent == os.getpid()
            assert found.group == os.getpgrp()
            # The kernel counts pages in batches: a process that has just begun can have none yet.
            assert wait_until(lambda: 0 < proctree.walk([process.pid])[0].rss < 50_000_000)
        finally:
            process.kill()


def test_a_zombie_is_dead_and_a_pid_that_is_gone_is_passed_over() -> None:
    process = subprocess.Popen(["true"])
    assert wait_until(lambda: [found.is_dead for found in proctree.walk([process.pid])] == [True])
    process.wait()
    assert proctree.walk([process.pid]) == []
    proctree.kill([])


@pytest.mark.parametrize("group", [-1, 0])
def test_a_process_that_is_just_being_reaped_has_no_group_and_takes_nobody_along(group: int) -> None:
    code = """
import sys
from taximeter.run import proctree
gone = 2**22
proctree.kill([proctree.Process(gone, b"(gone) X 1 %d " % int(sys.argv[1]) + b"0 " * 40)])
print("alive")
"""
    argv = [sys.executable, "-c", code, str(group)]
    assert subprocess.run(argv, stdout=subprocess.PIPE, start_new_session=True).stdout == b"alive\n"


def test_the_figures_of_this_process_are_its_own() -> None:
    (own,) = [process for process in proctree.walk([os.getpid()]) if process.pid == os.getpid()]
    assert own.parent == os.getppid()
    assert own.cpu_user + own.cpu_system == pytest.approx(sum(os.times()[:4]), abs=0.1)
