"""The server itself: who keeps it waiting is let go, and traps in a run directory do not hold it up."""

import http.client
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from taximeter.rundir import OutputDir
from taximeter.web import server
from taximeter.web.access import Access
from tests.runs import Writing, plan, stage
from tests.stages import wait_until

Port = int


@pytest.fixture
def port(output: OutputDir, monkeypatch: pytest.MonkeyPatch) -> Iterator[Port]:
    monkeypatch.setattr(server, "_HEAD", 0.4)
    monkeypatch.setattr(server, "_READING", 0.4)
    bound = server.bind("127.0.0.1", 0)
    bound.listen()
    running = server.make_server(output, Access())
    thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
    thread.start()
    yield bound.getsockname()[1]
    running.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


def connect(port: Port) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def get(port: Port, path: str) -> httpx2.Response:
    return httpx2.get(f"http://127.0.0.1:{port}{path}", timeout=30)


@pytest.mark.parametrize(
    "said",
    [b"", b"GET / HTTP/1.1\r\nHost: localh", b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab"],
)
def test_who_does_not_say_what_it_wants_is_let_go(port: Port, said: bytes) -> None:
    with connect(port) as client:
        client.sendall(said)
        with pytest.raises(ConnectionResetError):
            while client.recv(1 << 16):
                pass
            raise ConnectionResetError
    assert get(port, "/api/runs").status_code == 200


def test_who_drips_is_let_go_as_well(port: Port) -> None:
    begin = time.monotonic()
    with connect(port) as client, pytest.raises(OSError):
        for byte in b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 1_000_000:
            client.sendall(bytes([byte]))
            time.sleep(0.02)
            assert time.monotonic() - begin < 60


@pytest.mark.slow
def test_who_takes_nothing_is_let_go(port: Port, written: Callable[..., Writing]) -> None:
    with (written().run.path / "01_stage" / "large.txt").open("wb") as file:
        file.truncate(100_000_000)
    with connect(port) as client:
        client.sendall(b"GET /api/runs/r/stages/ask/artifacts/large.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(1.5)
        taken = 0
        try:
            while chunk := client.recv(1 << 20):
                taken += len(chunk)
        except ConnectionResetError:
            pass
    assert taken < 100_000_000


def test_long_names_can_be_asked_for(port: Port, output: OutputDir) -> None:
    name = "\u202e" * 10_000
    writing = Writing(output.path, plan([stage(1, name)]))
    writing.start(name)
    (writing.run.path / "01_stage" / "log.1.txt").write_text("said")
    writing.end(name)
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    asking.request("GET", f"/api/runs/r/stages/{quote(name, safe='')}/log")
    assert json.loads(asking.getresponse().read())["text"] == "said"
    asking.close()


def test_who_takes_all_gets_all(port: Port, written: Callable[..., Writing]) -> None:
    with (written().run.path / "01_stage" / "large.txt").open("wb") as file:
        file.truncate(30_000_000)
    assert len(get(port, "/api/runs/r/stages/ask/artifacts/large.txt").content) == 30_000_000


def test_streams_end_with_the_server_and_with_who_listens(output: OutputDir, written: Callable[..., Writing]) -> None:
    written()
    bound = server.bind("127.0.0.1", 0)
    bound.listen()
    running = server.make_server(output, Access())
    thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
    thread.start()
    with connect(bound.getsockname()[1]) as gone, connect(bound.getsockname()[1]) as client:
        for each in (gone, client):
            each.sendall(b"GET /api/live?run=r HTTP/1.1\r\nHost: localhost\r\n\r\n")
        heard = b""
        while b"event: report" not in heard:
            heard += client.recv(1 << 16)
        assert len(running.server_state.tasks) == 2
        gone.close()
        assert wait_until(lambda: len(running.server_state.tasks) == 1)
        running.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


TRAPS = (
    *("run.lock", "snapshots/plan.json", "snapshots/pricing.json", "snapshots/recipe.yaml", "pipeline_state.json"),
    *("pipeline_events.jsonl", "instrumentation.json", "01_stage/usage.1.json", "01_stage/calls.1.jsonl"),
    *(
        "01_stage/progress.1.jsonl",
        "01_stage/log.1.txt",
        "events/x.jsonl",
        "01_stage/artifact.jsonl",
        "events",
        "snapshots",
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pipe", "directory", "loop"])
def test_traps_in_a_run_directory_hold_nobody_up(port: Port, written: Callable[..., Writing], kind: str) -> None:
    make: dict[str, Callable[[Path], None]] = {
        "pipe": os.mkfifo, "directory": Path.mkdir, "loop": lambda path: path.symlink_to(path.name),
    }  # fmt: skip
    for n, name in enumerate(TRAPS):
        trap = written(f"r{n}").run.path / name
        if trap.is_dir():
            shutil.rmtree(trap)
        else:
            trap.unlink(missing_ok=True)
        make[kind](trap)
    listed = {row["id"] for row in get(port, "/api/runs").json()["rows"]}
    assert listed == {f"r{n}" for n in range(len(TRAPS))}
    for run_id in listed:
        for rest in ("", "/report.html", "/stages/ask/log", "/stages/ask/artifacts"):
            assert get(port, f"/api/runs/{run_id}{rest}").status_code in (200, 404)
