"""A worker in a process of its own, and what comes home of what it runs."""

import os
import random
import signal
from pathlib import Path

import pytest

from taximeter.run.executor import Done, Event, Started
from taximeter.run.remote.home import Receiver
from taximeter.run.remote.wire import read_news
from taximeter.run.remote.worker import TOKEN
from taximeter.rundir import RunDir
from tests.run.remote.workers import Worker, last, receiver, run_dir, task
from tests.stages import marked, program, wait_until

RECORDER = """
import taximeter
with taximeter.enable():
    for n in range(300):
        taximeter.log_llm_usage(model="m", prompt_tokens=n, completion_tokens=1)
"""


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return run_dir(tmp_path)


def all_of(one: Receiver, tmp_path: Path) -> list[Event]:
    events: list[Event] = []
    with Worker(one, tmp_path) as worker:
        for message in worker.messages():
            events += one.take(message)
        assert worker.process.wait() == 0
        assert not list(worker.scratch.iterdir())
    return events


def test_all_that_an_attempt_writes_comes_home(run: RunDir, tmp_path: Path) -> None:
    code = (
        "for name in ('INSTRUMENT_SINK', 'TAXIMETER_PROGRESS_FILE'):\n"
        "    open(os.environ[name], 'a').write(f'{name}\\n')\n"
        "print('said', flush=True)\n"
        "print('in', os.environ['TAXIMETER_RUN_DIR'], flush=True)\n"
        "open(os.environ['OUT'], 'w').write('made')"
    )
    events = all_of(receiver(task(run, program(code))), tmp_path)
    stage = run.stage("01_a")
    assert stage.sink(1).read_text() == "INSTRUMENT_SINK\n"
    assert stage.progress(1).read_text() == "TAXIMETER_PROGRESS_FILE\n"
    assert stage.log(1).read_text().startswith(f"said\nin {tmp_path}/scratch/")
    assert (stage.path / "out").read_text() == "made"
    assert '"state": "done"' in stage.usage(1).read_text()
    assert [type(event) for event in events] == [Started, Done]
    assert isinstance(events[0], Started) and events[0].node == os.uname().nodename
    assert last(events).gaps == () and last(events).figures.exit_code == 0


def test_the_gpus_are_those_that_the_engine_gave_the_worker(
    run: RunDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    of = task(run, ["sh", "-c", "echo $CUDA_VISIBLE_DEVICES"], gpus=1.0)
    of.env["CUDA_VISIBLE_DEVICES"] = "0,1"
    all_of(receiver(of), tmp_path)
    assert run.stage("01_a").log(1).read_text() == "3\n"


def test_journals_come_home_without_their_reserved_space_also_of_a_process_that_was_killed(
    run: RunDir, tmp_path: Path
) -> None:
    import sys

    code = RECORDER.replace("with taximeter.enable():", "import os\nif taximeter.enable():") + "    os._exit(0)"
    events = all_of(receiver(task(run, [sys.executable, "-c", code])), tmp_path)
    assert last(events).gaps == () and last(events).figures.exit_code == 0, run.stage("01_a").log(1).read_text()
    (journal,) = run.journals()
    assert journal.suffix == ".jsonl" and journal.read_bytes().count(b'"call_v1"') == 300
    assert b"\0" not in journal.read_bytes()


def test_a_short_attempt_costs_one_message_and_a_longer_one_says_since_when_it_runs(
    run: RunDir, tmp_path: Path
) -> None:
    short, longer = receiver(task(run, ["true"])), receiver(task(run, ["sleep", "0.6"]))
    with Worker(short, tmp_path) as worker:
        (message,) = worker.messages()
    assert [type(event) for event in short.take(message)] == [Started, Done]
    began = all_of(longer, tmp_path)[0]
    assert isinstance(began, Started) and began.ago > 0.1


def test_much_that_is_written_fast_arrives_whole_in_small_messages(run: RunDir, tmp_path: Path) -> None:
    one = receiver(task(run, program("for n in range(300_000): print('line', n, 'of a log that is long')")))
    events: list[Event] = []
    longest = 0
    with Worker(one, tmp_path) as worker:
        for message in worker.messages():
            longest = max(longest, len(message))
            events += one.take(message)
    assert last(events).gaps == ()
    assert run.stage("01_a").log(1).read_bytes().count(b"\n") == 300_000
    assert longest < 1 << 20


def test_messages_may_come_twice_and_in_any_order(run: RunDir, tmp_path: Path) -> None:
    code = "for n in range(40):\n    print('line', n, flush=True)\n    time.sleep(0.01)"
    one = receiver(task(run, program(code)))
    with Worker(one, tmp_path) as worker:
        *messages, end = list(worker.messages())
    shuffled = messages * 2
    random.Random(7).shuffle(shuffled)
    events = [event for message in [*shuffled, end, end] for event in one.take(message)]
    assert last(events).gaps == () and len(events) == 2
    assert run.stage("01_a").log(1).read_text() == "".join(f"line {n}\n" for n in range(40))


def test_a_message_that_never_comes_is_a_gap(run: RunDir, tmp_path: Path) -> None:
    code = "for n in range(40):\n    print('line', n, flush=True)\n    time.sleep(0.02)"
    one = receiver(task(run, program(code)))
    with Worker(one, tmp_path) as worker:
        messages = list(worker.messages())
    with_chunks = [message for message in messages if read_news(message).chunks]
    messages.remove(with_chunks[1])
    events = [event for message in messages for event in one.take(message)]
    assert last(events).gaps == ("01_a/log.1.txt",)
    lines = run.stage("01_a").log(1).read_text().split("\n")
    assert "line 0" in lines and "line 39" in lines and "" in lines


def test_a_file_that_is_written_anew_arrives_as_it_is_in_the_end(run: RunDir, tmp_path: Path) -> None:
    code = (
        "path = os.environ['TAXIMETER_PROGRESS_FILE']\n"
        "for n in range(20):\n    open(path, 'w').write('x' * (50 - n) + '\\n')\n    time.sleep(0.02)\n"
        "open(path, 'r+').write('y')"
    )
    events = all_of(receiver(task(run, program(code))), tmp_path)
    assert last(events).gaps == ()
    assert run.stage("01_a").progress(1).read_text() == "y" + "x" * 30 + "\n"


@pytest.mark.parametrize(("grace", "ends_by"), [(5.0, signal.SIGTERM), (0.0, signal.SIGKILL)])
def test_an_order_ends_the_whole_tree(run: RunDir, tmp_path: Path, grace: float, ends_by: signal.Signals) -> None:
    one = receiver(task(run, ["sh", "-c", "setsid sleep 60 & exec sleep 60"]))
    events: list[Event] = []
    with Worker(one, tmp_path) as worker:
        for message in worker.messages():
            fresh = one.take(message)
            if any(isinstance(event, Started) for event in fresh):
                assert wait_until(lambda: len(marked(f"OF={tmp_path}")) == 2)
                worker.order(grace)
            events += fresh
    assert last(events).figures.signal == ends_by
    assert not marked(f"OF={tmp_path}")


def test_a_worker_that_is_killed_takes_the_whole_tree_along_and_what_came_home_stays(
    run: RunDir, tmp_path: Path
) -> None:
    one = receiver(task(run, ["sh", "-c", "echo said; setsid sleep 60 & exec sleep 60"]))
    with Worker(one, tmp_path) as worker:
        for message in worker.messages():
            one.take(message)
            if run.stage("01_a").log(1).exists():
                break
        assert wait_until(lambda: len(marked(f"OF={tmp_path}")) == 2)
        worker.process.send_signal(signal.SIGKILL)
        assert wait_until(lambda: not marked(f"OF={tmp_path}"))
    (event,) = one.lost("the worker died")
    assert event.key == one.task.key
    assert one.lost("again") == []
    assert run.stage("01_a").log(1).read_text() == "said\n"


def test_the_next_worker_removes_what_a_killed_one_left_and_nothing_else(run: RunDir, tmp_path: Path) -> None:
    with Worker(receiver(task(run, ["sleep", "60"])), tmp_path) as killed:
        assert next(killed.messages())
    (left,) = killed.scratch.iterdir()
    others = killed.scratch / "taximeter-mine", killed.scratch / "taximeter-attempt-file"
    others[0].mkdir()
    others[1].touch()
    with Worker(receiver(task(run, ["sleep", "60"])), tmp_path) as living:
        assert next(living.messages())
        (its,) = set(living.scratch.iterdir()) - {left, *others}
        with Worker(receiver(task(run, ["true"])), tmp_path) as third:
            assert list(third.messages())
            assert third.process.wait() == 0
        assert set(living.scratch.iterdir()) == {its, *others}


def test_a_worker_that_does_not_see_the_run_directory_names_the_other_way(run: RunDir, tmp_path: Path) -> None:
    (run.path / TOKEN).write_text("another")
    events = all_of(receiver(task(run, ["true"]), token="this"), tmp_path)
    assert "does not see" in (last(events).figures.spawn_error or "")
    assert "--files URL" in (last(events).figures.spawn_error or "")


def test_a_worker_that_sees_the_token_runs(run: RunDir, tmp_path: Path) -> None:
    (run.path / TOKEN).write_text("this")
    assert last(all_of(receiver(task(run, ["true"]), token="this"), tmp_path)).figures.exit_code == 0
    assert run.stage("01_a").log(1).read_bytes() == b""


def test_another_version_refuses(run: RunDir, tmp_path: Path) -> None:
    one = receiver(task(run, ["true"]))
    with Worker(one, tmp_path, version="0.0.0") as worker:
        (message,) = worker.messages()
    assert "install the same" in (last(one.take(message)).figures.spawn_error or "")


def test_a_command_that_is_not_there_is_said_as_it_is_here(run: RunDir, tmp_path: Path) -> None:
    events = all_of(receiver(task(run, ["no-such-program"])), tmp_path)
    assert last(events).figures.spawn_error == "cannot run no-such-program: not found in PATH"
