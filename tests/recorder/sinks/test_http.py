"""A collector gets every event, however it behaves, and the program never waits for it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taximeter.errors import SetupError
from taximeter.events import CallEvent
from taximeter.recorder import guard
from taximeter.recorder.sinks import delivery, post, spool
from taximeter.recorder.sinks.destination import destination
from taximeter.recorder.sinks.http import HttpSink
from taximeter.recorder.sinks.open import open_sinks
from tests.collectors import Collector, Request, collector


def call(seq: int, padding: int = 0) -> CallEvent:
    return CallEvent(event_id=("p", seq), model="m", meta={"padding": "x" * padding})


def files(state: Path) -> list[Path]:
    return [path for path in state.rglob("*") if path.is_file()]


def seqs(server: Collector) -> list[int]:
    return sorted(seq for _, seq in server.taken)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 0.02)
    guard.failures.clear()
    yield tmp_path / "state"
    assert not guard.failures


def test_events_arrive_compressed_with_the_token_and_nothing_is_left_on_disk(state: Path) -> None:
    with collector() as server:
        sink = HttpSink(server.url, token="secret")
        for seq in range(2_500):
            sink.emit(call(seq))
        assert sink.flush(30)
        sink.close()
        first = server.requests[0]
        assert (first.path, first.headers["Content-Encoding"]) == ("/v1/events", "gzip")
        assert first.headers["Authorization"] == "Bearer secret"
        assert max(len(request.events) for request in server.requests) <= 1_000
        assert seqs(server) == list(range(2_500))
        assert all(len(deliveries) == 1 for deliveries in server.taken.values())
    assert sink.losses() == {}
    assert list((state / "taximeter" / "spool").glob("*/*")) == []
    assert "secret" not in "".join(map(str, state.rglob("*")))


def test_close_sends_what_is_left(state: Path) -> None:
    with collector() as server:
        sink = open_sinks(f"{server.url}/own/path?project=p")
        sink.emit(call(1))
        sink.close()
        assert seqs(server) == [1]
        assert server.requests[0].path == "/own/path?project=p"


def flaky(request: Request) -> None:
    """Each way to fail that mends itself, then success."""
    match request.number:
        case 1:
            request.answer(500)
        case 2:
            request.answer(429, Retry_After="0")
        case 3:
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True
        case 4:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")  # dropped in the middle
            request.wfile.flush()
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True
        case 5:
            request.answer(408)
        case 6:
            request.answer(503, Retry_After="Thu, 01 Jan 2026 00:00:00 GMT")
        case 7:
            request.wfile.write(b"no HTTP at all\r\n\r\n")
            request.close_connection = True
        case _:
            request.take()


def test_whatever_may_mend_itself_is_tried_again() -> None:
    with collector(flaky) as server:
        sink = HttpSink(server.url)
        sink.emit(call(1))
        assert sink.flush(60)
        sink.close()
        assert seqs(server) == [1]
        assert len(server.requests) >= 8
    assert sink.losses() == {}


def test_a_collector_that_asks_for_time_gets_it() -> None:
    with collector(lambda request: request.answer(429, Retry_After="1000")) as server:
        pauses: list[float] = []

        def pause(seconds: float) -> bool:
            pauses.append(seconds)
            return False

        poster = post.Poster(destination(server.url, None))
        assert not delivery.Delivery(poster, "there", pause).deliver([b'{"event_id": ["p", 1]}'])
        poster.close()
        assert pauses == [delivery.LONGEST_WISH]


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 422])
def test_what_is_refused_for_good_is_counted_logged_once_and_not_sent_again(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with collector(lambda request: request.answer(status, Location="/elsewhere")) as server:
        sink = HttpSink(server.url)
        for seq in range(3):
            sink.emit(call(seq))
            assert sink.flush(30)
        sink.close()
        assert sum(len(request.events) for request in server.requests) == 3
        assert {request.path for request in server.requests} == {"/v1/events"}
    assert sink.losses() == {"rejected": 3}
    assert len(caplog.records) == 1
    assert server.url in caplog.text


def test_a_rejected_event_is_counted_and_not_sent_again() -> None:
    body = b'{"accepted": 1, "duplicate": 1, "rejected": [{"event_id": ["p", 2], "reason": "no"}]}'
    with collector(lambda request: request.answer(200, body)) as server:
        sink = HttpSink(server.url)
        for seq in range(3):
            sink.emit(call(seq))
        assert sink.flush(30)
        sink.close()
        requests = len(server.requests)
    assert sink.losses() == {"rejected": requests}


def small_only(request: Request) -> None:
    if len(request.events) > 3 or any(event["event_id"][1] == 5 for event in request.events):
        request.answer(413)
    else:
        request.take()


def test_a_batch_that_is_too_large_is_split_until_only_what_is_too_large_alone_is_lost() -> None:
    with collector(small_only) as server:
        sink = HttpSink(server.url)
        for seq in range(20):
            sink.emit(call(seq))
        assert sink.flush(30)
        sink.close()
        assert seqs(server) == [seq for seq in range(20) if seq != 5]
    assert sink.losses() == {"rejected": 1}


@pytest.mark.slow
def test_a_slow_reader_slows_nobody() -> None:
    def slowly(request: Request) -> None:
        time.sleep(0.3)
        request.take()

    with collector(slowly) as server:
        sink = HttpSink(server.url)
        for seq in range(6_000):
            sink.emit(call(seq))
        assert len(server.taken) < 6_000  # they are not waited for
        assert sink.flush(60)
        sink.close()
        assert seqs(server) == list(range(6_000))


def test_above_the_limit_events_are_dropped_and_counted_and_there_is_room_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spool, "SEGMENT", 50_000)
    monkeypatch.setattr(spool, "LIMIT", 200_000)
    gate = threading.Event()

    def gated(request: Request) -> None:
        assert gate.wait(60)
        request.take()

    with collector(gated) as server:
        sink = HttpSink(server.url)
        for seq in range(300):
            sink.emit(call(seq, padding=1_000))
        dropped = sink.losses()["dropped"]
        assert 50 < dropped < 300
        gate.set()
        assert sink.flush(60)
        for seq in range(300, 310):
            sink.emit(call(seq))
        assert sink.flush(60)
        sink.close()
        assert seqs(server) == [*range(300 - dropped), *range(300, 310)]
        assert sink.losses() == {"dropped": dropped}


def test_what_one_process_could_not_send_a_later_one_does(state: Path) -> None:
    with collector(lambda request: request.answer(503)) as server:
        sink = HttpSink(server.url)
        for seq in range(1_500):
            sink.emit(call(seq))
        sink.close()
        assert len(files(state)) == 1
        server.respond = Request.take
        other = HttpSink(server.url, token="of another project")
        other.close()
        assert server.taken == {}
        later = HttpSink(server.url)
        later.emit(call(1_500))
        until(lambda: len(server.taken) == 1_501)
        until(lambda: not [path for path in files(state) if path.name.endswith(".jsonl")])
        later.close()
        assert files(state) == []


def test_a_folder_that_another_process_is_done_with_meanwhile_does_no_harm(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as server:
        first = HttpSink(server.url)
        gone = next((state / "taximeter" / "spool").iterdir()) / "gone"
        list_folder = Path.iterdir

        def iterdir(folder: Path) -> Iterator[Path]:
            if folder == gone:
                gone.rmdir()
            return list_folder(folder)

        gone.mkdir()
        monkeypatch.setattr(Path, "iterdir", iterdir)
        second = HttpSink(server.url)
        assert not gone.exists()
        for seq, sink in enumerate((first, second)):
            sink.emit(call(seq))
            sink.close()
        assert seqs(server) == [0, 1]


def test_several_that_find_the_same_leftovers_send_them_once(state: Path) -> None:
    with collector(lambda request: request.answer(503)) as server:
        for first in (0, 5_000):
            sink = HttpSink(server.url)
            for seq in range(first, first + 5_000):
                sink.emit(call(seq))
            sink.close()
        assert len(files(state)) == 2
        server.respond = Request.take
        later = [HttpSink(server.url) for _ in range(4)]
        until(lambda: len(server.taken) == 10_000)
        until(lambda: not [path for path in files(state) if path.name.endswith(".jsonl")])
        for sink in later:
            sink.close()
        assert all(len(deliveries) == 1 for deliveries in server.taken.values())


@pytest.mark.slow
def test_a_kill_in_between_loses_nothing_and_what_comes_twice_has_one_id(state: Path) -> None:
    program = """
import sys
from taximeter.events import CallEvent
from taximeter.recorder.sinks.destination import destination
from taximeter.recorder.sinks.http import HttpSink
sink = HttpSink(sys.argv[1])
for seq in range(10**9):
    sink.emit(CallEvent(event_id=(sys.argv[2], seq), model="m"))
    if seq % 500 == 0:
        print(seq, flush=True)
"""
    acknowledged = {}
    with collector() as server:
        for round_ in map(str, range(4)):
            process = subprocess.Popen(
                [sys.executable, "-c", program, server.url, round_], stdout=subprocess.PIPE, text=True
            )
            assert process.stdout is not None
            for line in process.stdout:
                acknowledged[round_] = int(line)
                if acknowledged[round_] >= 5_000 * (int(round_) + 1):
                    os.kill(process.pid, signal.SIGKILL)
                    break
            acknowledged[round_] = int([str(acknowledged[round_]), *process.stdout.read().split()][-1])
            process.stdout.close()
            process.wait()
        last = HttpSink(server.url)
        expected = {(round_, seq) for round_, most in acknowledged.items() for seq in range(most + 1)}
        until(lambda: expected <= server.taken.keys())
        until(lambda: all(str(path).endswith(".open") for path in files(state)))
        last.close()
        assert files(state) == []


def exit_of(url: str, events: int) -> float:
    """Seconds from the last event to the end of a process that closes its sink."""
    program = """
import sys, time
from taximeter.events import CallEvent
from taximeter.recorder.sinks.destination import destination
from taximeter.recorder.sinks.http import HttpSink
sink = HttpSink(sys.argv[1])
for seq in range(int(sys.argv[2])):
    sink.emit(CallEvent(event_id=("p", seq), model="m"))
begin = time.monotonic()
time.sleep(0.5)
begin = time.monotonic()
sink.close()
print(begin)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, url, str(events)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "Traceback" not in done.stderr
    return time.monotonic() - float(done.stdout)


@pytest.mark.slow
def test_neither_a_refused_nor_a_black_holed_collector_holds_an_exit(state: Path) -> None:
    with socket.socket() as silent, socket.socket() as full, socket.socket() as free:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # takes connections, never answers
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):  # until its queue is full, so that no connection is made
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(full.getsockname())
        free.bind(("127.0.0.1", 0))  # nobody listens: refused
        for hole in (silent, full, free):
            assert exit_of(f"http://127.0.0.1:{hole.getsockname()[1]}", 1_000) < 10
        for connection in waiting:
            connection.close()
    kept = [path.read_bytes().count(b"\n") for path in files(state)]
    assert kept == [1_000] * 3


def test_several_black_holes_are_waited_for_together() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        sink = open_sinks([f"{url}/{number}" for number in range(8)])
        sink.emit(call(1))
        begin = time.monotonic()
        sink.close()
        assert time.monotonic() - begin < 8 * 1.5


def test_a_forked_child_sends_its_own_and_nothing_twice(state: Path) -> None:
    with collector() as server:
        sink = HttpSink(server.url)
        sink.emit(call(1))
        assert sink.flush(30)
        pid = os.fork()
        if pid == 0:
            child = sink.in_child()
            child.emit(call(2))
            child.close()
            os._exit(0)
        os.waitpid(pid, 0)
        silent = os.fork()
        if silent == 0:
            sink.in_child().close()
            os._exit(0)
        os.waitpid(silent, 0)
        sink.emit(call(3))
        sink.close()
        assert seqs(server) == [1, 2, 3]
        assert all(len(deliveries) == 1 for deliveries in server.taken.values())
    assert files(state) == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://host/", "only http and https"),
        ("http://", "no host"),
        ("http://user:hunter2@host/", "TAXIMETER_HTTP_TOKEN"),
        ("http://host:99999/", "Port out of range"),
        ("http://host/a b", "percent-encoded"),
        (f"http://{'x' * 70}/", "label"),
    ],
)
def test_an_address_that_cannot_be_posted_to_is_refused(url: str, reason: str) -> None:
    with pytest.raises(SetupError, match=reason) as caught:
        HttpSink(url)
    assert "hunter2" not in str(caught.value)


def test_a_token_that_no_header_can_hold_is_refused() -> None:
    with pytest.raises(SetupError, match="token"):
        HttpSink("http://127.0.0.1", token="a\r\nX: b")


def test_a_spool_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(SetupError, match=str(tmp_path / "file")) as caught:
        HttpSink("http://127.0.0.1")
    assert "XDG_STATE_HOME" in (caught.value.problems[0].hint or "")
