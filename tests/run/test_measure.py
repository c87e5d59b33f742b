"""Figures of real processes."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from taximeter.ledger.figures import Figures
from tests.stages import Launcher, program, wait_until

MB = 1_000_000

BURN = """
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
own, child, orphan = map(float, sys.argv[1:])
children = [os.fork()]
if children[-1] == 0:
    burn(child)
    os._exit(0)
children.append(os.fork())
if children[-1] == 0:
    if os.fork() == 0:
        os.setsid()
        burn(orphan)
    os._exit(0)
burn(own)
for pid in children:
    os.waitpid(pid, 0)
"""


def cpu(figures: Figures) -> float:
    assert figures.cpu_user_seconds is not None
    assert figures.cpu_system_seconds is not None
    return figures.cpu_user_seconds + figures.cpu_system_seconds


def burn_in_parallel(launcher: Launcher, own: float, child: float, orphan: float) -> list[Figures]:
    argv = program(BURN, str(own), str(child), str(orphan))
    stages = [launcher.launch(argv, usage_path=str(launcher.folder / f"usage.{n}.json")) for n in range(3)]
    return [stage.figures() for stage in stages]


def test_cpu_of_children_and_orphans_is_each_stages_own(launcher: Launcher) -> None:
    for figures in burn_in_parallel(launcher, 0.15, 0.3, 0.15):
        assert cpu(figures) == pytest.approx(0.6, rel=0.15)
        assert figures.methods["cpu_user_seconds"] == "exact"


@pytest.mark.slow
def test_three_parallel_stages_that_burn_four_seconds_each_are_reported_so(launcher: Launcher) -> None:
    for figures in burn_in_parallel(launcher, 1, 2, 1):
        assert cpu(figures) == pytest.approx(4, rel=0.15)


def test_memory_of_the_driver_does_not_leak_into_a_small_stage(tmp_path: Path) -> None:
    driver = """
import sys
ballast = bytearray(600_000_000)
ballast[::4096] = b"x" * len(ballast[::4096])
from pathlib import Path
from taximeter.run.launcher import Forkserver
from tests.stages import Launcher
forkserver = Forkserver.start()
figures = Launcher(forkserver, Path(sys.argv[1])).run(["true"])
forkserver.close()
print(figures.max_rss_bytes)
"""
    output = subprocess.run([sys.executable, "-c", driver, str(tmp_path)], check=True, stdout=subprocess.PIPE).stdout
    assert int(output) < 20 * MB


def test_figures_of_a_stage_have_nothing_of_those_that_its_supervisor_had_before(launcher: Launcher) -> None:
    hungry = """
burnt = bytearray(100_000_000)
with open("made", "wb") as f:
    f.write(b"x" * 5_000_000)
    os.fsync(f.fileno())
while time.process_time() < 0.3:
    pass
"""
    assert cpu(launcher.run(program(hungry))) > 0.3
    for _ in range(3):  # one of them at least gets the same supervisor
        figures = launcher.run(program("time.sleep(0.1)"))
        assert cpu(figures) < 0.2
        assert figures.max_rss_bytes is not None
        assert figures.max_rss_bytes < 50 * MB
        assert figures.peak_memory_bytes is not None
        assert figures.peak_memory_bytes < 50 * MB
        assert figures.io_write_bytes == 0
        assert figures.io_write_chars == 0


def test_max_rss_is_the_largest_process(launcher: Launcher) -> None:
    code = "pid = os.fork()\nif pid == 0: b = b'x' * 60_000_000\nelse: os.waitpid(pid, 0)"
    figures = launcher.run(program(code))
    assert figures.max_rss_bytes is not None
    assert 60 * MB < figures.max_rss_bytes < 90 * MB
    assert figures.methods["max_rss_bytes"] == "exact"


def test_memory_shared_after_a_fork_is_counted_once(launcher: Launcher) -> None:
    code = "b = b'x' * 100_000_000\nfor _ in range(4):\n if os.fork() == 0: break\ntime.sleep(1)"
    figures = launcher.run(program(code))
    assert figures.peak_memory_bytes is not None
    assert 100 * MB < figures.peak_memory_bytes < 160 * MB
    assert figures.methods["peak_memory_bytes"] == "sampled"
    assert figures.processes == 5


def test_memory_of_separate_processes_is_added(launcher: Launcher) -> None:
    code = "for _ in range(3):\n if os.fork() == 0: break\nb = b'x' * 50_000_000\ntime.sleep(1)"
    figures = launcher.run(program(code))
    assert figures.peak_memory_bytes is not None
    assert 200 * MB < figures.peak_memory_bytes < 300 * MB


def test_a_child_between_vfork_and_exec_does_not_double_the_memory(launcher: Launcher) -> None:
    code = """
os.mkfifo("gate")
if os.fork() == 0:
    time.sleep(0.5)
    os._exit(os.open("gate", os.O_WRONLY) < 0)
b = b"x" * 150_000_000
wait_at_the_gate = (os.POSIX_SPAWN_OPEN, 9, "gate", os.O_RDONLY, 0)
os.waitpid(os.posix_spawn("/bin/true", ["true"], {}, file_actions=[wait_at_the_gate]), 0)
"""
    figures = launcher.run(program(code))
    assert figures.peak_memory_bytes is not None
    assert 150 * MB < figures.peak_memory_bytes < 200 * MB


def test_a_file_that_is_read_once_is_not_memory(launcher: Launcher) -> None:
    big = launcher.folder / "big"
    with big.open("wb") as file:
        file.truncate(200 * MB)
    code = "b = bytearray(1 << 20)\nwith open('big', 'rb', buffering=0) as f:\n while f.readinto(b): time.sleep(0.001)"
    figures = launcher.run(program(code))
    assert figures.peak_memory_bytes is not None
    assert figures.peak_memory_bytes < 40 * MB
    assert figures.io_read_chars is not None
    assert 200 * MB <= figures.io_read_chars < 201 * MB


def test_io_is_that_of_the_whole_tree(launcher: Launcher) -> None:
    code = """
for name in ("own", "child"):
    if name == "child" and os.fork():
        os.wait()
        break
    with open(name, "wb") as f:
        f.write(b"x" * 5_000_000)
        os.fsync(f.fileno())
"""
    figures = launcher.run(program(code))
    with subprocess.Popen(program(code), cwd=launcher.folder) as reference:
        _, _, usage = os.wait4(reference.pid, 0)
        reference.returncode = 0
    assert figures.io_write_chars == 10 * MB
    assert figures.io_write_bytes == pytest.approx(usage.ru_oublock * 512, abs=100_000)  # 0 if the folder is in memory
    assert figures.methods["io_write_bytes"] == "exact"


def test_figures_are_written_while_the_stage_runs(launcher: Launcher) -> None:
    stage = launcher.launch(program("b = b'x' * 50_000_000\nwhile True: pass"))

    def written() -> Figures:
        return msgspec.json.decode(launcher.usage.read_bytes(), type=Figures)

    assert wait_until(launcher.usage.exists)
    first = written()
    assert first.state == "running"
    assert first.ended_at is None
    assert first.methods["cpu_user_seconds"] == "sampled"
    assert wait_until(lambda: (written().max_rss_bytes or 0) > 50 * MB and cpu(written()) > 0.5)
    stage.handle.kill()
    assert written().state == "running" or stage.figures() == written()
    assert stage.figures() == written()


def test_no_reader_of_the_usage_file_ever_finds_half_of_it(launcher: Launcher) -> None:
    launcher.launch(program("time.sleep(1.2)"))
    assert wait_until(launcher.usage.exists)
    state = "running"
    while state == "running":
        state = msgspec.json.decode(launcher.usage.read_bytes(), type=Figures).state
    assert state == "done"


def test_figures_are_written_at_most_once_a_second(launcher: Launcher) -> None:
    launcher.launch(program("time.sleep(1.5)"))
    assert wait_until(launcher.usage.exists)
    files, state = set(), "running"
    while state == "running":
        content = launcher.usage.read_bytes()
        files.add(content)
        state = msgspec.json.decode(content, type=Figures).state
    assert 2 <= len(files) <= 3


def test_a_stage_that_is_not_metered_has_its_end_and_its_wall_only(launcher: Launcher) -> None:
    stage = launcher.launch(program("time.sleep(0.1); sys.exit(3)"), usage_path=None)
    figures = stage.figures()
    assert not launcher.usage.exists()
    assert figures.exit_code == 3
    assert 0.1 < figures.wall_seconds < 5
    known = {name for name, method in figures.methods.items() if method != "missing"}
    assert known == {"wall_seconds", "leftover_processes", "deaf_processes"}
    assert figures.cpu_user_seconds is figures.max_rss_bytes is figures.io_read_bytes is figures.processes is None


def test_every_figure_has_a_method_and_an_unknown_one_is_missing(launcher: Launcher) -> None:
    for figures in (launcher.run(["true"]), launcher.run(["true"], usage_path=None), launcher.run(["no such program"])):
        for name, method in figures.methods.items():
            assert (getattr(figures, name) is None) == (method == "missing")


def test_peak_memory_is_never_less_than_the_largest_process(launcher: Launcher) -> None:
    figures = launcher.run(["true"])
    assert figures.peak_memory_bytes is not None
    assert figures.max_rss_bytes is not None
    assert figures.peak_memory_bytes >= figures.max_rss_bytes


def test_what_the_stages_own_process_left_behind_counts_for_cpu_but_not_for_wall(launcher: Launcher) -> None:
    code = "if os.fork() == 0:\n end = time.process_time() + 0.5\n while time.process_time() < end: pass"
    figures = launcher.run(program(code))
    assert cpu(figures) == pytest.approx(0.5, abs=0.15)
    assert figures.wall_seconds < 0.45
    assert figures.leftover_processes == 0
    assert figures.ended_at == pytest.approx(figures.started_at + figures.wall_seconds)
