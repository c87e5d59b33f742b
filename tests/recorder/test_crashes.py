"""However a process ends, what it had recorded is there: a supervising test counts what was acknowledged."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import taximeter
from taximeter.errors import SetupError
from taximeter.events import SpanEvent
from taximeter.journal.short import EventReader
from taximeter.report.loose import EventFiles, build_from_files
from tests.recorder.events import read_all, spans

WORK = """
import os, signal, sys, time, taximeter
taximeter.enable(sink="jsonl:" + sys.argv[1])
def work(first, count):
    for n in range(first, first + count):
        with taximeter.span(str(n), payload="x" * 100):
            taximeter.log_llm_usage("m", 1, 1)
        os.write(1, b"%d\\n" % n)
work(0, 20)
"""
WAYS = {
    "kill -9": "os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)",
    "SIGINT": "os.kill(os.getpid(), signal.SIGINT); time.sleep(9)",
    "os._exit": "os._exit(3)",
    "exception": "raise RuntimeError('no')",
    "SIGSEGV": "os.kill(os.getpid(), signal.SIGSEGV); time.sleep(9)",
}
FORKED = """
pid = os.fork()
if pid == 0:
    work(100, 20)
    {way}
os.waitpid(pid, 0)
"""


def acknowledged(output: str) -> set[str]:
    return set(output.split())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", ["parent", "child"])
def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path, way: str, where: str) -> None:
    ending = WAYS[way] if where == "parent" else FORKED.format(way=WAYS[way])
    done = subprocess.run(
        [sys.executable, "-c", WORK + ending, str(tmp_path / "e.jsonl")], capture_output=True, text=True, timeout=60
    )
    found = read_all(tmp_path)
    told = acknowledged(done.stdout)
    assert told <= spans(found).keys()
    assert len(told) == (20 if where == "parent" else 40)
    assert len({e.event_id for e in found}) == len(found)
    report = build_from_files(EventFiles(sorted(tmp_path.iterdir())))
    assert (report.totals.calls, report.losses.torn) == (len(told), 0)
    assert report.status == ("lost" if where == "parent" and way not in ("exception", "SIGINT") else report.status)


@pytest.mark.slow
def test_two_hundred_times_kill_9(tmp_path: Path) -> None:
    program = """
import os, sys, taximeter
from taximeter.recorder.sinks.jsonl import JsonlSink
taximeter.load_rate_card(sys.argv[2])  # what reading one loads is loaded once
for round in range(200):
    pid = os.fork()
    if pid == 0:
        taximeter.enable(sink=JsonlSink(f"{sys.argv[1]}/{round}.jsonl"), rate_card_path=sys.argv[2])
        n = 0
        while True:
            for _ in range(20):
                with taximeter.span(str(n), round=round):
                    pass
                n += 1
            os.write(1, b"%d %d\\n" % (round, n))
    os.write(1, b"pid %d\\n" % pid)
    os.waitpid(pid, 0)
"""
    card = tmp_path / "card.yaml"
    card.write_text("models: {m: {prompt_per_1k: 1}}\n")
    out = tmp_path / "events"
    out.mkdir()
    process = subprocess.Popen([sys.executable, "-c", program, str(out), str(card)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told: dict[int, int] = {}
    pid = 0
    for line in process.stdout:
        first, second = line.split()
        if first == "pid":
            pid = int(second)
        else:
            told[int(first)] = int(second)
            if pid and int(second) >= 20 * (1 + int(first) % 30):
                os.kill(pid, signal.SIGKILL)
                pid = 0
    process.stdout.close()
    assert process.wait() == 0
    assert len(told) == 200
    for number, count in told.items():
        (path,) = out.glob(f"{number}.jsonl.open")
        data = path.read_bytes().partition(b"\0")[0]
        *whole, torn = data.split(b"\n")
        reader = EventReader()
        read = [reader.event(line) for line in whole]
        names = [event.span for event in read if isinstance(event, SpanEvent) and event.kind == "span"]
        assert names == [str(n) for n in range(len(names))]
        assert len(names) >= count
        assert len(torn) < 1_000


def test_a_full_disk_costs_only_what_does_not_fit_and_is_told(tmp_path: Path) -> None:
    program = """
import resource, signal, sys, taximeter
from taximeter.recorder import guard
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
taximeter.enable(sink="jsonl:" + sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))
for n in range(30):
    with taximeter.span(str(n), payload="x" * 100_000):
        pass
print(guard.losses["dropped"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "e.jsonl")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    dropped = int(done.stdout)
    (path,) = tmp_path.iterdir()
    kept = []
    for line in path.read_bytes().split(b"\n"):
        try:
            kept.append(json.loads(line)["span"])
        except (ValueError, KeyError):
            continue
    assert 0 < dropped < 30
    assert len({name for name in kept if name.isdigit()}) == 30 - dropped


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="file"):
        taximeter.enable(sink=f"jsonl:{tmp_path}/file/e.jsonl")


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace on this machine")
def test_an_input_output_error_is_counted_and_not_raised(tmp_path: Path) -> None:
    program = """
import sys, taximeter
from taximeter.journal import writer
from taximeter.recorder import guard
writer._MAPPED_FILE_SYSTEMS = frozenset()
taximeter.enable(sink="jsonl:" + sys.argv[1])
for n in range(50):
    with taximeter.span(str(n)):
        pass
sys.stdout.write(str(guard.losses["dropped"]))
"""
    path = tmp_path / "e.jsonl"
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", f"{path}.open", "-e", "inject=write:error=EIO:when=10+5"]
    done = subprocess.run(
        [*strace, sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    dropped = int(done.stdout)
    assert dropped > 0
    assert len(spans(read_all(tmp_path))) == 50 - dropped


FIRST_CALLS = """
import sys, taximeter
taximeter.enable(sink="memory:")
def interrupt(frame, event, _):
    if event == "call" and frame.f_code.co_name == "__hash__":  # as in the middle of taking a type apart
        sys.setprofile(None)
        taximeter.log_llm_usage("m", 1, 1)
        sys.setprofile(interrupt)
sys.setprofile(interrupt)
taximeter.log_llm_usage("m", 1, 1)
"""


def test_the_very_first_call_may_be_interrupted_by_another() -> None:
    assert subprocess.run([sys.executable, "-c", FIRST_CALLS], timeout=60).returncode == 0


def test_a_signal_handler_that_records_in_the_middle_of_everything(tmp_path: Path) -> None:
    taximeter.enable(sink=f"jsonl:{tmp_path}/e.jsonl")
    numbers = itertools.count()

    def handle(*_: object) -> None:
        with taximeter.span(f"h{next(numbers)}"):
            taximeter.log_llm_usage("m", 1, 1)
        signal.setitimer(signal.ITIMER_REAL, 0.001)  # only now: no handler in a handler in a handler

    old = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    try:
        for n in range(5_000):
            with taximeter.span(str(n)):
                taximeter.log_llm_usage("m", 1, 1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    taximeter.disable()
    found = read_all(tmp_path)
    assert spans(found).keys() == {str(n) for n in range(5_000)} | {f"h{n}" for n in range(next(numbers))}
    assert len({e.event_id for e in found}) == len(found)
