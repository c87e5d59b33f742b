"""A journal keeps what it has taken, however its process dies."""

import mmap
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from taximeter.events import CallEvent, SpanEvent
from taximeter.journal import writer
from taximeter.journal.reader import RESERVED, LineReader
from taximeter.journal.writer import Journal, file_system


def call(seq: int, padding: int = 0) -> CallEvent:
    return CallEvent(event_id=("p", seq), model="m", meta={"padding": "x" * padding})


def read(path: Path) -> list[int]:
    lines = LineReader(path, end=RESERVED).lines()
    return [msgspec.json.decode(line.data, type=CallEvent).event_id[1] for line in lines]


def test_events_are_read_back_while_the_journal_is_open_and_after(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl")
    journal.append(call(0))
    journal.append(call(1))
    assert read(tmp_path / "j.jsonl.open") == [0, 1]
    journal.close()
    assert not (tmp_path / "j.jsonl.open").exists()
    assert read(tmp_path / "j.jsonl") == [0, 1]
    assert b"\0" not in (tmp_path / "j.jsonl").read_bytes()


def test_the_window_moves_on_and_large_events_fit(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl")
    sizes = [10, *[250_000] * 9, mmap.PAGESIZE, 1]
    for seq, size in enumerate(sizes):
        journal.append(call(seq, size))
    journal.close()
    lines = (tmp_path / "j.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(line)["event_id"][1] for line in lines] == list(range(len(sizes)))


def test_nothing_existing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("mine")
    with pytest.raises(FileExistsError):
        Journal(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl.open").write_text("mine")
    with pytest.raises(FileExistsError):
        Journal(tmp_path / "b.jsonl")
    assert (tmp_path / "a.jsonl").read_text() == (tmp_path / "b.jsonl.open").read_text() == "mine"


def test_a_signal_handler_that_records_in_the_middle_of_a_line_neither_hangs_nor_tears(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl")
    taken = iter(range(1_000_000))
    old = signal.signal(signal.SIGALRM, lambda *_: journal.append(call(next(taken))))
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        for _ in range(30_000):
            journal.append(call(next(taken)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    journal.close()
    assert sorted(read(tmp_path / "j.jsonl")) == list(range(next(taken)))


def test_threads_share_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl")

    def work(first: int) -> None:
        for seq in range(first, first + 2_000):
            journal.append(call(seq))

    threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 8_000, 2_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert sorted(read(tmp_path / "j.jsonl")) == list(range(8_000))


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from taximeter.events import CallEvent
from taximeter.journal.writer import Journal
journal = Journal(Path(sys.argv[1]))
for seq in range(10**9):
    journal.append(CallEvent(event_id=("p", seq), model="m"))
    if seq % 1000 == 0:
        print(seq, flush=True)
"""
    for round_ in range(5):
        path = tmp_path / f"{round_}.jsonl"
        process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        acknowledged = 0
        for line in process.stdout:
            acknowledged = int(line)
            if acknowledged >= 5_000 * (round_ + 1):
                os.kill(process.pid, signal.SIGKILL)
                break
        rest = process.stdout.read().split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        process.stdout.close()
        process.wait()
        found = read(path.with_name(path.name + ".open"))
        assert found == list(range(len(found)))
        assert len(found) > acknowledged


def test_where_mapping_is_not_safe_each_line_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_MAPPED_FILE_SYSTEMS", frozenset())
    journal = Journal(tmp_path / "j.jsonl")
    journal.append(call(0))
    assert (tmp_path / "j.jsonl.open").stat().st_size < 200
    journal.append(call(1))
    journal.close()
    assert read(tmp_path / "j.jsonl") == [0, 1]


def test_a_full_disk_costs_only_what_does_not_fit() -> None:
    program = """
import resource, signal, sys
from pathlib import Path
from taximeter.events import CallEvent
from taximeter.journal.writer import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))
journal = Journal(Path(sys.argv[1]))
refused = 0
for seq in range(15):
    try:
        journal.append(CallEvent(event_id=("p", seq), model="m", meta={"padding": "x" * 250_000}))
    except OSError:
        refused += 1
for seq in range(15, 23):
    try:
        journal.append(CallEvent(event_id=("p", seq), model="m"))
    except OSError:
        refused += 1
journal.close()
print(refused)
"""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j.jsonl"
        done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
        refused = int(done.stdout)
        kept = []
        for line in LineReader(path).lines():
            try:
                kept.append(msgspec.json.decode(line.data, type=CallEvent).event_id[1])
            except msgspec.DecodeError:
                continue
    assert 0 < refused < 15
    assert len(kept) >= 23 - refused - 1
    assert kept == sorted(set(kept))


def test_the_file_system_is_found(tmp_path: Path) -> None:
    assert file_system(Path("/proc/self")) == "proc"
    assert file_system(tmp_path / "not" / "there") == file_system(tmp_path)


def test_spans_and_calls_say_which_they_are(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl")
    journal.append(call(0))
    journal.append(
        SpanEvent(event_id=("p", 1), run_id="r", trace_id="t", span_id="s", kind="run", span="r", started_at=1.0)
    )
    journal.close()
    lines = (tmp_path / "j.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(line)["schema_version"] for line in lines] == ["call_v1", "span_v1"]
