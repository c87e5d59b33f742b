"""What may be written at home, and when a worker is given up."""

from pathlib import Path

import pytest

from taximeter.clock import FakeClock
from taximeter.run.remote.home import SILENCE
from taximeter.run.remote.wire import Chunk, News
from taximeter.rundir import RunDir
from tests.run.remote.workers import lost, receiver, run_dir, task


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return run_dir(tmp_path)


BAD = ["../x.jsonl", "/etc/x.jsonl", "events/../x.jsonl", "events/.jsonl", "events/a/b.jsonl", "run.lock", "01_a/out"]


@pytest.mark.parametrize("path", [*BAD, ""])
def test_nothing_else_is_written_than_the_files_of_an_attempt(run: RunDir, tmp_path: Path, path: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert receiver(task(run, ["true"])).take(News("n", chunks=[Chunk(path, 0, b"x")]).pack()) == []
    assert sorted(tmp_path.rglob("*")) == before


def test_a_journal_that_is_there_already_is_left_alone(run: RunDir) -> None:
    (run.events / "driver-1.jsonl").write_bytes(b"mine\n")
    events = receiver(task(run, ["true"])).take(News("n", chunks=[Chunk("events/driver-1.jsonl", 0, b"x")]).pack())
    assert "File exists" in lost(events).reason
    assert (run.events / "driver-1.jsonl").read_bytes() == b"mine\n"


def test_a_link_is_not_followed(run: RunDir, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"mine")
    run.stage("01_a").log(1).symlink_to(tmp_path / "other")
    events = receiver(task(run, ["true"])).take(News("n", chunks=[Chunk("01_a/log.1.txt", 0, b"x")]).pack())
    assert lost(events).key.stage_id == "a"
    assert (tmp_path / "other").read_bytes() == b"mine"


def test_what_is_no_message_loses_the_attempt(run: RunDir) -> None:
    one = receiver(task(run, ["true"]))
    assert "cannot be kept" in lost(one.take(b"\xc1")).reason
    assert one.take(News("n", began=True).pack()) == []


def test_a_worker_is_silent_when_it_has_spoken_and_then_says_nothing_for_long(run: RunDir) -> None:
    clock = FakeClock()
    one = receiver(task(run, ["true"]), clock)
    clock.advance(SILENCE * 10)
    assert not one.is_silent()  # it waits for its turn
    one.take(News("n").pack())
    clock.advance(SILENCE)
    assert not one.is_silent()
    clock.advance(1)
    assert one.is_silent()
    one.lost("silent")
    assert not one.is_silent()


def test_what_waits_for_something_before_it_is_bounded(run: RunDir) -> None:
    one = receiver(task(run, ["true"]))
    for n in range(100, 0, -1):
        one.take(News("n", chunks=[Chunk("01_a/log.1.txt", n << 20, b"x" * (1 << 20))]).pack())
    one.lost("gone")
    text = run.stage("01_a").log(1).read_bytes()
    assert text.count(b"x") == 8 << 20
