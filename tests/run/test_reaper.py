"""A process that answers for all below it, tried in a process of its own."""

import subprocess
import sys


def run(code: str) -> str:
    """What a program prints that has become a reaper."""
    prelude = """
import os, select, signal, time
from taximeter.run import reaper
def wait_for_all(count):
    while sum(open(f"/proc/{pid}/stat").read().rsplit(")")[1].split()[0] == "Z" for pid in pids) < count:
        time.sleep(0.01)
def is_readable():
    return bool(select.select([ours], [], [], 0)[0])
ours = reaper.Reaper()
pids = []
"""
    return subprocess.run([sys.executable, "-c", prelude + code], check=True, text=True, stdout=subprocess.PIPE).stdout


def test_a_child_that_ends_wakes_it_and_is_told_with_its_status() -> None:
    code = """
assert ours.reap() == [] and not ours.has_children and not is_readable()
pids = [os.posix_spawn("/bin/sh", ["sh", "-c", "exit 3"], {})]
select.select([ours], [], [])
((pid, status),) = ours.reap()
print(pid == pids[0], os.waitstatus_to_exitcode(status), ours.has_children, is_readable())
"""
    assert run(code) == "True 3 False False\n"


def test_many_that_end_at_once_are_told_a_few_at_a_time_and_none_is_forgotten() -> None:
    code = """
for _ in range(250):
    pids.append(os.fork())
    if pids[-1] == 0:
        os._exit(0)
wait_for_all(250)
while True:
    print(len(ours.reap()), ours.has_children, is_readable())
    if not ours.has_children:
        break
"""
    assert run(code) == "100 True True\n100 True True\n50 False False\n"


def test_orphans_of_every_generation_fall_to_it() -> None:
    code = """
print(reaper.adopt_orphans())
if os.fork() == 0:
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(0.2)
    os._exit(0)
ended = 0
while True:
    select.select([ours], [], [])
    ended += len(ours.reap())
    if not ours.has_children:
        break
print(ended)
"""
    assert run(code) == "True\n3\n"
