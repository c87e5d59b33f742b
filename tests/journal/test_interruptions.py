"""Whatever comes between two bytecodes of a journal, no line that was acknowledged is lost, torn or there twice."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import msgspec
import pytest

from taximeter.events import CallEvent
from taximeter.journal import writer
from taximeter.journal.reader import RESERVED, LineReader
from taximeter.journal.writer import Journal, JournalClosedError
from tests.bytecodes import before_bytecode

SMALL_WINDOW = 2 * 4096


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "WINDOW", SMALL_WINDOW)


def call(seq: int) -> CallEvent:
    return CallEvent(event_id=("p", seq), model="m", meta={"padding": "x" * 200})


def nearly_full(path: Path) -> tuple[Journal, int]:
    """A journal whose window takes no further line, and how many lines it has."""
    journal = Journal(path)
    for seq in count():
        journal.append(call(seq))
        if SMALL_WINDOW - journal.size < journal.size // (seq + 1):
            return journal, seq + 1
    raise AssertionError


def lines(path: Path) -> list[int]:
    data = path.read_bytes()
    assert data.endswith(b"\n"), "the reserved space was given back, and the last line is whole"
    return [
        msgspec.json.decode(line.data, type=CallEvent).event_id[1] for line in LineReader(path, end=RESERVED).lines()
    ]


def test_a_handler_that_records(tmp_path: Path) -> None:
    for number in count():
        path = tmp_path / f"{number}.jsonl"
        journal, n = nearly_full(path)

        def work() -> None:
            journal.append(call(n))  # noqa: B023
            journal.append(call(n + 1))  # noqa: B023

        acted = before_bytecode(writer.__file__, number, work, lambda: journal.append(call(n + 2)))  # noqa: B023
        journal.close()
        assert sorted(lines(path)) == list(range(n + 2 + acted)), f"before bytecode {number}"
        if not acted:
            break
    assert number > 100


@pytest.mark.slow
def test_another_thread_and_a_handler(tmp_path: Path) -> None:
    for number in count():
        path = tmp_path / f"{number}.jsonl"
        journal, n = nearly_full(path)
        threads: list[threading.Thread] = []

        def act() -> None:
            other = threading.Thread(target=lambda: journal.append(call(n + 1)))  # noqa: B023
            threads.append(other)  # noqa: B023
            other.start()
            other.join(0.005)  # it may have to wait for us
            journal.append(call(n + 2))  # noqa: B023

        acted = before_bytecode(writer.__file__, number, lambda: journal.append(call(n)), act)  # noqa: B023
        for thread in threads:
            thread.join()
        journal.close()
        assert sorted(lines(path)) == list(range(n + 1 + 2 * acted)), f"before bytecode {number}"
        if not acted:
            break
    assert number > 100


def test_a_handler_that_raises(tmp_path: Path) -> None:
    """In a thread of its own: an exception out of nowhere may leave the interpreter in the middle of an `except`."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_raise_everywhere, tmp_path).result()


def _raise_everywhere(folder: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    for number in count():
        path = folder / f"{number}.jsonl"
        journal, n = nearly_full(path)
        try:
            acted = before_bytecode(writer.__file__, number, lambda: journal.append(call(n)), stop)  # noqa: B023
        except KeyboardInterrupt:
            acted = True
        journal.append(call(n + 1))
        journal.close()
        assert set(found := lines(path)) | {n} == set(range(n + 2)), f"before bytecode {number}"
        assert len(set(found)) == len(found)
        if not acted:
            break
    assert number > 100


def test_a_handler_that_records_while_the_journal_is_closed(tmp_path: Path) -> None:
    for number in count():
        path = tmp_path / f"{number}.jsonl"
        journal, n = nearly_full(path)
        acknowledged = n

        def record() -> None:
            nonlocal acknowledged
            try:
                journal.append(call(n))  # noqa: B023
            except JournalClosedError:
                return
            acknowledged += 1

        acted = before_bytecode(writer.__file__, number, journal.close, record)
        assert sorted(lines(path)) == list(range(acknowledged)), f"before bytecode {number}"
        if not acted:
            break
    assert number > 20


@pytest.mark.slow
def test_a_handler_that_forks(tmp_path: Path) -> None:
    """The child goes on in the middle of its parent's line, and has a file of its own at the same descriptor."""
    for number in count():
        path = tmp_path / f"{number}.jsonl"
        journal, n = nearly_full(path)
        of_child: list[Journal] = []

        def fork() -> None:
            pid = os.fork()
            if pid:
                assert os.waitpid(pid, 0)[1] == 0
                return
            journal.abandon()  # noqa: B023
            of_child.append(Journal(tmp_path / f"{number}.child.jsonl"))  # noqa: B023
            of_child[0].append(call(1))  # noqa: B023

        failed = None
        try:
            acted = before_bytecode(writer.__file__, number, lambda: journal.append(call(n)), fork)  # noqa: B023
        except (OSError, ValueError) as error:
            failed = error
        if of_child:
            of_child[0].close()
            os._exit(lines(of_child[0].path) != [1])
        assert failed is None
        journal.close()
        assert lines(path) == list(range(n + 1)), f"before bytecode {number}"
        if not acted:
            break
    assert number > 100
