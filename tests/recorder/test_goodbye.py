"""What is said and waited for at the end: the table of `summary=True`, and `flush`."""

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import taximeter
from taximeter.recorder.sinks.memory import MemorySink
from tests.collectors import Request, collector
from tests.recorder.events import spans
from tests.recorder.test_recorder import run

WORK = """
import os, sys, taximeter
taximeter.enable(run_id="r", {options})
with taximeter.record_stage("ingest"):
    taximeter.log_llm_usage("gpt-5", 1200, 80)
    {inside}
sys.stdout.write("the program's own")
"""


def stderr_of(cwd: Path, options: str, inside: str = "pass") -> str:
    done = run(WORK.format(options=options, inside=inside), cwd)
    assert (done.returncode, done.stdout) == (0, "the program's own")
    return done.stderr


def test_a_summary_is_a_short_table_on_stderr_at_the_end(tmp_path: Path) -> None:
    table = stderr_of(tmp_path, "summary=True")
    assert "ingest" in table
    assert "gpt-5" in table
    assert "r  done" in table
    assert len(table.splitlines()) < 25


@pytest.mark.parametrize(("sink", "title"), [("memory:", "r  done"), ("jsonl:e.jsonl", "e.jsonl  done")])
def test_so_it_is_where_events_go_to_no_run_directory(tmp_path: Path, sink: str, title: str) -> None:
    inside = "if (pid := os.fork()) == 0: os.close(1); sys.exit()\n    os.waitpid(pid, 0)"
    table = stderr_of(tmp_path, f"summary=True, sink='{sink}'", inside)
    assert (table.count("ingest"), table.count(title)) == (1, 1)


@pytest.mark.parametrize("options", ["", "summary=False", "summary=True, sink='http://127.0.0.1:1'"])
def test_unasked_or_where_nothing_can_be_read_back_nothing_is_printed(tmp_path: Path, options: str) -> None:
    assert "ingest" not in stderr_of(tmp_path, options)


def test_only_who_began_the_run_prints_it(tmp_path: Path) -> None:
    inside = """
    if os.fork() == 0:
        taximeter.log_llm_usage("gpt-5", 1, 1)
        os.close(1)
        sys.exit()
    os.wait()
"""
    assert stderr_of(tmp_path, "summary=True", inside).count("r  done") == 1


def test_flush_waits_until_everything_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    gate = threading.Event()

    def when_open(request: Request) -> None:
        gate.wait(60)
        request.take()

    with collector(when_open) as server:
        taximeter.enable(sink=server.url)
        with taximeter.span("s"):
            pass
        assert not taximeter.flush(0.05), "it is on its way"
        assert not taximeter.flush(timeout=0)
        gate.set()
        assert taximeter.flush(timeout=60)
        assert {event["span"] for (event,) in server.taken.values()} >= {"s"}
        assert taximeter.get_recorder().flush()
        taximeter.disable()


@pytest.mark.slow
def test_flush_does_not_wait_longer_than_it_may(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    program = """
import sys, time, taximeter
taximeter.enable(sink=[sys.argv[1], sys.argv[1] + "/other"])
with taximeter.span("s"):
    pass
began = time.monotonic()
print(taximeter.flush(0.3), time.monotonic() - began >= 0.3)
"""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # takes connections, never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        done = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "True"]
    assert time.monotonic() - began < 30


def test_where_nothing_is_on_its_way_flush_is_true_at_once(tmp_path: Path) -> None:
    assert taximeter.flush(0), "nobody records"
    taximeter.enable(sink=[f"jsonl:{tmp_path}/e.jsonl", memory := MemorySink()])
    with taximeter.span("s"):
        pass
    assert taximeter.flush(0)
    assert "s" in spans(memory.get_events())
