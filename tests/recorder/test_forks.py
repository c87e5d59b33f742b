"""Every child process has its own file, ids and pid, and no event is told twice."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import taximeter
from taximeter.events import SpanEvent
from taximeter.pricing import sheet as sheets
from taximeter.pricing.sheet import Sheet
from taximeter.recorder import guard
from tests.recorder.events import calls, events, read, read_all, spans

CHILD = """
import multiprocessing, os, sys, taximeter

def work(name):
    with taximeter.span(name):
        taximeter.log_llm_usage("m", 1, 1)

if __name__ == "__main__":
    taximeter.enable(run_id="r", output_dir=sys.argv[1], sink=None)
    with taximeter.record_stage("parent"):
        for method in ("fork", "spawn", "forkserver"):
            process = multiprocessing.get_context(method).Process(target=work, args=(method,))
            process.start()
            process.join()
        pid = os.fork()
        if pid == 0:
            work("os.fork")
            os._exit(0)
        os.waitpid(pid, 0)
        work("own")
"""


OF_MULTIPROCESSING = """
import multiprocessing, os, sys, taximeter

def work(n):
    with taximeter.span(f"item {n}"):
        taximeter.log_llm_usage("m", 1, 1)
        return os.getpid()

if __name__ == "__main__":
    taximeter.enable(run_id="r", output_dir=sys.argv[1])
    context = multiprocessing.get_context(sys.argv[2])
    with taximeter.record_stage("parent"):
        work(0)
        child = context.Process(target=work, args=(1,))
        child.start()
        child.join()
        with context.Pool(2) as pool:
            print(os.getpid(), child.pid, *pool.map(work, range(2, 22), chunksize=1))
            pool.close()
            pool.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_of_multiprocessing_has_its_own_file_ids_and_pid(tmp_path: Path, method: str) -> None:
    script = tmp_path / "program.py"
    script.write_text(OF_MULTIPROCESSING)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), method], stdout=subprocess.PIPE, text=True, check=True, timeout=120
    )
    pids = [int(pid) for pid in done.stdout.split()]
    found = read_all(tmp_path / "runs")
    by_name = spans(found)
    assert [by_name[f"item {n}"].pid for n in range(22)] == pids, "whoever did it has told it"
    assert len(calls(found)) == 22
    assert len({event.event_id for event in found}) == len(found), "and nobody has told it twice"
    assert {event.run_id for event in found} == {"r"}
    files = list((tmp_path / "runs" / "r" / "events").iterdir())
    writers = [{event.event_id[0] for event in read(file)} for file in files]
    assert all(len(ids) == 1 for ids in writers), "a file has one writer"
    assert len(files) == len(set(pids)) == len({next(iter(ids)) for ids in writers})
    processes = {e.pid: e for e in found if isinstance(e, SpanEvent) and e.kind == "process"}
    assert set(pids) <= processes.keys()
    (own,) = (e for e in processes.values() if e.pid == pids[0])
    assert all(e.parent_id == own.span_id for pid, e in processes.items() if pid != pids[0])
    assert all(e.ended_at is not None for e in processes.values()), "all said farewell"


@pytest.mark.slow
def test_children_of_every_kind_join_the_run(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(CHILD)
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, timeout=120)
    files = {path: read_all(path.parent) for path in [tmp_path / "runs" / "r" / "events" / "x"]}
    found = next(iter(files.values()))
    names = {"fork", "spawn", "forkserver", "os.fork", "own"}
    by_name = spans(found)
    assert by_name.keys() == {*names, "parent"}
    assert len({by_name[name].pid for name in names}) == 5
    assert len({by_name[name].event_id[0] for name in names}) == 5
    assert len({e.event_id for e in found}) == len(found)
    assert len(calls(found)) == 5
    assert {by_name[name].run_id for name in names} == {"r"}
    assert {by_name[name].parent_id for name in ("fork", "os.fork", "own")} == {by_name["parent"].span_id}
    assert len(list((tmp_path / "runs" / "r" / "events").iterdir())) == 5
    processes = {e.pid: e for e in found if isinstance(e, SpanEvent) and e.kind == "process"}
    assert len(processes) == 5
    assert sum(e.ended_at is None for e in processes.values()) == 1  # `os._exit` says no farewell


def test_a_span_that_was_open_at_the_fork_is_told_by_the_parent_alone(tmp_path: Path) -> None:
    taximeter.enable(sink=f"jsonl:{tmp_path}/e.jsonl")
    with taximeter.span("open"):
        taximeter.log_llm_usage("m", 5, 0)
        pid = os.fork()
        if pid == 0:
            try:
                taximeter.log_llm_usage("m", 7, 0)
            finally:
                pass
    if pid == 0:
        with taximeter.span("child"):
            pass
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    taximeter.disable()
    found = read_all(tmp_path)
    assert [e.span for e in found if isinstance(e, SpanEvent) and e.kind == "span"].count("open") == 1
    opened, child = spans(found)["open"], spans(found)["child"]
    assert opened.tokens == {"input_tokens": 5}
    assert child.parent_id is None
    assert sorted(call.usage.input_tokens or 0 for call in calls(found)) == [5, 7]
    assert {call.span_id for call in calls(found)} == {opened.span_id}
    assert (child.pid, child.event_id[0] != opened.event_id[0]) == (pid, True)


def test_a_child_that_says_nothing_leaves_no_file(tmp_path: Path) -> None:
    taximeter.enable(sink=f"jsonl:{tmp_path}/e.jsonl")
    pid = os.fork()
    if pid == 0:
        taximeter.disable()
        os._exit(0)
    os.waitpid(pid, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["e.jsonl.open"]


def test_a_fork_while_another_thread_holds_every_lock_does_not_hang(tmp_path: Path) -> None:
    recorder = taximeter.enable(sink=f"jsonl:{tmp_path}/e.jsonl")
    sink: Any = recorder.sink
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with recorder.lock, sink._journal._lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    pid = os.fork()
    if pid == 0:
        for n in range(100):
            with taximeter.record_stage("s"), taximeter.span(str(n)):
                taximeter.log_llm_usage("m", 1, 1)
        taximeter.disable()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    done.set()
    thread.join()
    assert status == 0
    taximeter.disable()
    assert len(calls(read_all(tmp_path))) == 100


def forked(work: Callable[[], object]) -> int:
    """Exit code of a child that does this, and is killed if it waits."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@contextmanager
def a_thread_in(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, call: Callable[[], object]
) -> Iterator[None]:
    """While this is entered, another thread is in the middle of a function, from this call on."""
    real, inside, go_on = getattr(owner, name), threading.Event(), threading.Event()

    def wait(*args: Any, **kwargs: Any) -> Any:
        inside.set()
        go_on.wait(60)
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, wait)
    thread = threading.Thread(target=call)
    thread.start()
    assert inside.wait(60)
    monkeypatch.setattr(owner, name, real)
    yield
    go_on.set()
    thread.join()


def test_a_fork_while_another_thread_works_out_prices_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    taximeter.enable(sink="memory:")
    first, second = Sheet(name="first"), Sheet(name="second")
    blocked = SimpleNamespace(decode=lambda _: None)
    monkeypatch.setattr(sheets, "_base", blocked)
    with a_thread_in(monkeypatch, blocked, "decode", lambda: first.base):
        assert forked(lambda: list(second.chain()) == [second]) == 0


def test_a_fork_while_another_thread_spends_or_counts_does_not_hang() -> None:
    recorder = taximeter.enable(sink="memory:", budget="calls=5")
    tracker = taximeter.TokenTracker()

    def work() -> bool:
        for _ in range(100):
            tracker.record_llm("m", 1, 1)
        assert recorder.purse is not None
        return tracker.token_counters()["llm"]["m"]["input_tokens"] == 100 and recorder.purse.spent.calls == 100

    assert recorder.purse is not None
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        assert recorder.purse is not None
        with recorder.purse._lock, tracker._bucket._lock:
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    assert forked(work) == 0
    done.set()
    thread.join()


def test_what_a_service_has_used_before_the_fork_is_told_by_the_parent_alone() -> None:
    class Service:
        used = 0

        def token_counters(self) -> dict[str, Any]:
            return {"llm": {"m": {"input_tokens": self.used}}}

    recorder, service = taximeter.enable(sink="memory:"), Service()
    taximeter.attach(service)

    def work() -> bool:
        with taximeter.span("child"):
            service.used += 3
        (call,) = calls(events(recorder))
        return (call.usage.input_tokens, call.meta) == (3, None)

    with taximeter.span("open"):
        service.used += 1000
        assert forked(work) == 0
    assert [call.usage.input_tokens for call in calls(events(recorder))] == [1000]


def test_what_the_parent_lost_is_not_the_childs() -> None:
    recorder = taximeter.enable(sink="memory:")
    guard.losses["dropped"] = 3
    pid = os.fork()
    if pid == 0:
        with taximeter.span("s"):
            pass
        code = int(any(getattr(e, "losses", None) for e in events(recorder)))
        os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


def test_four_processes_write_one_run(tmp_path: Path) -> None:
    program = """
import sys, taximeter
for n in range(500):
    with taximeter.span(f"{sys.argv[1]}-{n}", x=1):
        pass
"""
    env = os.environ | {"TAXIMETER_ENABLED": "1", "TAXIMETER_OUT": str(tmp_path / "e.jsonl"), "TAXIMETER_RUN_ID": "r"}
    writers = [subprocess.Popen([sys.executable, "-c", program, str(n)], env=env) for n in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    found = read_all(tmp_path)
    assert sorted(e.span for e in found if isinstance(e, SpanEvent) and e.kind == "span") == sorted(
        f"{w}-{n}" for w in range(4) for n in range(500)
    )
    assert len({e.event_id for e in found}) == len(found)
    assert {e.run_id for e in found} == {"r"}
    assert len(list(tmp_path.iterdir())) == 4


def test_pools_of_processes(tmp_path: Path) -> None:
    taximeter.enable(sink=f"jsonl:{tmp_path}/e.jsonl")
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(_work, range(20))
        pool.close()
        pool.join()
    taximeter.disable()
    assert spans(read_all(tmp_path)).keys() == {f"item {n}" for n in range(20)}


def _work(n: int) -> None:
    with taximeter.span(f"item {n}"):
        pass
