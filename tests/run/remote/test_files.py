"""Inputs and artifacts that travel by URL, where a worker does not see the run directory."""

import shutil
import time
from pathlib import Path

import pytest

from taximeter.run.executor import Event
from taximeter.run.remote import files, worker
from taximeter.run.remote.files import FilesError
from taximeter.run.remote.home import VERSION
from taximeter.run.remote.scratch import Scratch
from taximeter.run.remote.worker import work
from taximeter.rundir import RunDir
from tests.run.remote.workers import Worker, last, receiver, run_dir, task
from tests.stages import program


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return run_dir(tmp_path)


def test_what_lies_in_the_run_directory_and_outside_is_fetched_and_what_is_made_comes_home(
    run: RunDir, tmp_path: Path
) -> None:
    outside, earlier = tmp_path / "given.txt", run.stage("00_z").path / "rows"
    outside.write_text("given")
    earlier.mkdir(parents=True)
    (earlier / "1.txt").write_text("made before")
    run.pricing.write_text("{}")
    code = (
        "run = os.environ['TAXIMETER_RUN_DIR']\n"
        "paths = [sys.argv[1], sys.argv[2] + '/1.txt', run + '/snapshots/pricing.json']\n"
        "texts = [open(path).read() for path in paths]\n"
        "assert all('/scratch/' in path for path in sys.argv[1:] + [run, os.environ['OUT']]), sys.argv\n"
        "open(os.environ['OUT'], 'w').write('|'.join(texts))"
    )
    of = task(run, program(code, str(outside), str(earlier)), inputs={"a": str(outside), "b": str(earlier)})
    one = receiver(of, url=f"file://{tmp_path}/files")
    events: list[Event] = []
    with Worker(one, tmp_path) as its:
        shutil.move(outside, tmp_path / "away.txt")
        shutil.move(earlier, tmp_path / "away")
        for message in its.messages():
            events += one.take(message)
    assert last(events).figures.exit_code == 0, run.stage("01_a").log(1).read_text()
    assert (run.stage("01_a").path / "out").read_text() == "given|made before|{}"
    assert not [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


def test_any_file_system_of_fsspec_will_do(run: RunDir) -> None:
    of = task(run, ["sh", "-c", 'echo made > "$OUT"'])
    one = receiver(of, url="memory://taximeter-test")
    events = [event for message in work(VERSION, one.pack(), lambda: None) for event in one.take(message)]
    assert last(events).figures.exit_code == 0
    assert (run.stage("01_a").path / "out").read_text() == "made\n"


def test_a_worker_is_not_silent_while_files_take_their_time(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(url: str, scratch: Scratch) -> None:
        time.sleep(0.5)
        files.fetch(url, scratch)

    monkeypatch.setattr(worker, "fetch", slowly)
    monkeypatch.setattr(worker, "BEAT", 0.05)
    one = receiver(task(run, ["true"]), url="memory://taximeter-slow-test")
    messages = list(work(VERSION, one.pack(), lambda: None))
    assert len(messages) > 3
    assert last([event for message in messages for event in one.take(message)]).figures.exit_code == 0


def test_a_stage_that_made_nothing_brings_nothing(run: RunDir, tmp_path: Path) -> None:
    one = receiver(task(run, ["false"]), url=f"file://{tmp_path}/files")
    events = [event for message in work(VERSION, one.pack(), lambda: None) for event in one.take(message)]
    assert last(events).figures.exit_code == 1
    assert not (run.stage("01_a").path / "out").exists()


@pytest.mark.parametrize("url", ["nowhere://x", "file:///proc/nothing"])
def test_a_place_that_cannot_be_used_is_named(run: RunDir, tmp_path: Path, url: str) -> None:
    (tmp_path / "in").write_text("x")
    one = receiver(task(run, ["true"], inputs={"a": str(tmp_path / "in")}), url=url)
    with pytest.raises(FilesError, match=str(tmp_path / "in")):
        one.pack()


def test_an_input_that_is_gone_refuses_the_attempt(run: RunDir, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("x")
    one = receiver(task(run, ["true"], inputs={"a": str(tmp_path / "in")}), url=f"file://{tmp_path}/files")
    parcel = one.pack()
    shutil.rmtree(tmp_path / "files")
    events = [event for message in work(VERSION, parcel, lambda: None) for event in one.take(message)]
    assert "/in/a: " in (last(events).figures.spawn_error or "")
