"""Whatever comes from the network, the collector answers, keeps little of it, and goes on."""

import asyncio
import json
import resource
import shutil
import socket
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers

from taximeter.web.collect.body import Body, Incoming, Room
from taximeter.web.collect.verdict import RefusedError
from tests.stages import wait_until
from tests.web.collect.conftest import Answered, Collect, ask, call, post, span
from tests.web.collect.test_events import written
from tests.web.conftest import Served

pytestmark = pytest.mark.slow

CHUNKED = "Transfer-Encoding: chunked\r\n"


def raw(server: Served, data: bytes) -> bytes:
    """What comes back for these bytes until the server has no more to say."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return _rest(connection)


def head(server: Served, headers: str, target: str = "POST /v1/events") -> bytes:
    return f"{target} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{headers}\r\n".encode()


def _rest(connection: socket.socket) -> bytes:
    said = b""
    try:
        while piece := connection.recv(65536):
            said += piece
    except ConnectionResetError:
        pass  # it does not listen to the end of what is refused
    return said


def peak(server: Served) -> int:
    """Kilobytes that the server had in memory at most."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def is_well(server: Served, seq: int = 1) -> bool:
    return post(server, [call(seq, process="well")]).said == {"accepted": 1, "duplicate": 0, "rejected": []}


def gzip(data: bytes) -> bytes:
    return zlib.compress(data, 9, 31)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"no gzip at all", "cannot be read"),
        (gzip(call(1) * 100)[:-12], "ends too early"),
        (gzip(call(1))[:-8] + b"\0" * 8, "cannot be read"),
        (gzip(call(1)) + b"rubbish", "cannot be read"),
    ],
)
def test_what_is_badly_compressed_is_refused_whole(collect: Collect, tmp_path: Path, body: bytes, reason: str) -> None:
    server = collect()
    answer = post(server, body, Content_Encoding="gzip")
    assert (answer.status, reason in answer.said["error"]) == (400, True)
    assert not (tmp_path / "runs").exists()
    assert is_well(server)


def test_a_bomb_is_refused_before_it_is_large(collect: Collect) -> None:
    server = collect()
    assert is_well(server)
    before = peak(server)
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join([bomb.compress(bytes(1 << 20)) for _ in range(1024)]) + bomb.flush()
    assert post(server, body, Content_Encoding="gzip").status == 413
    assert peak(server) - before < 64 << 10
    assert is_well(server, 2)


def test_a_body_without_end_is_refused(collect: Collect) -> None:
    server = collect("--max-body", "1MiB")
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head(server, CHUNKED))
        sent, piece = 0, b"10000\r\n" + b"x" * 65536 + b"\r\n"
        try:
            while sent < 64 << 20:
                connection.sendall(piece)
                sent += 65536
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 64 << 20
        assert _rest(connection)[9:12] in (b"413", b"")
    assert post(server, b"x" * (2 << 20)).status == 413
    assert is_well(server)


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: -1\r\n",
        "Content-Length: many\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\n" + CHUNKED,
    ],
)
def test_lengths_that_contradict_each_other_are_refused(collect: Collect, tmp_path: Path, headers: str) -> None:
    server = collect()
    said = raw(server, head(server, headers) + b"5\r\nhello\r\n0\r\n\r\n")
    assert said[9:12] in (b"400", b"200", b"")
    assert said[9:12] != b"200" or json.loads(said.rpartition(b"\r\n\r\n")[2])["accepted"] == 0
    assert not (tmp_path / "runs").exists()
    assert is_well(server)
    server.close()  # it may have said that the request was no HTTP


def test_a_body_that_is_cut_off_is_not_taken(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    assert b" 200 " not in raw(server, head(server, "Content-Length: 1000\r\n") + call(1) + b"\n")
    assert b" 200 " not in raw(server, head(server, CHUNKED) + b"fff\r\n" + call(1) + b"\n")
    assert not (tmp_path / "runs").exists()
    assert post(server, b"").said == {"accepted": 0, "duplicate": 0, "rejected": []}
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head(server, "Connection: close\r\n"))
        assert _rest(connection).startswith(b"HTTP/1.1 200")


def test_events_that_no_reader_can_live_with_are_rejected_alone(collect: Collect, tmp_path: Path) -> None:
    bad = [
        call(1, meta={"text": "x" * (1 << 20)}),
        call(2, request_ms=float("nan")),
        call(3, started_at=float("inf")),
        call(4).replace(b"1767225600.0", b"1e999"),
        call(5).replace(b'"r"', b'"\\ud800"'),
        call(6).replace(b'"gpt-5"', b'"\xed\xa0\x80"'),
        b"[" * 100_000,
        b'{"meta":' * 12_000,
        call(7, meta={}).replace(b"{}", b"[" * 100_000 + b"]" * 100_000),
        call(10**30),
        call(-1),
        call(8, started_at=-1e300),
        b"null",
        b'"text"',
        b"\0\0\0",
    ]
    answer = post(collect(), [*bad, call(99)])
    assert (answer.status, answer.said["accepted"], answer.said["duplicate"]) == (200, 1, 0)
    assert [each["index"] for each in answer.said["rejected"]] == list(range(len(bad)))
    assert [event["event_id"] for event in written(tmp_path)] == [["p", 99]]


def test_more_lines_than_one_request_may_have_are_refused_whole(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    answer = post(server, [b"{}"] * 20_001, compress=True)
    assert (answer.status, "20000 lines" in answer.said["error"]) == (413, True)
    assert len(post(server, [b"{}"] * 20_000).said["rejected"]) == 20_000


def test_other_encodings_and_methods_are_refused(collect: Collect) -> None:
    server = collect()
    for encoding in ("br", "zstd", "gzip, gzip", "\u00fc"):
        assert post(server, [call(1)], Content_Encoding=encoding).status == 415
    for method, path in (("GET", "/v1/events"), ("PUT", "/v1/events"), ("DELETE", "/v1/traces"), ("POST", "/metrics")):
        assert ask(server, method, path).status == 405
    assert is_well(server)


def test_on_this_machine_neither_other_names_nor_other_sites_may_send(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    for path in ("/v1/events", "/v1/traces"):
        assert post(server, [call(1)], path, Host="evil.example").status == 421
        assert post(server, [call(1)], path, Origin="https://evil.example").status == 403
        assert post(server, [call(1)], path, Sec_Fetch_Site="cross-site").status == 403
    assert not (tmp_path / "runs").exists()
    assert is_well(server)


def test_clients_that_say_nothing_more_keep_nobody_waiting(collect: Collect) -> None:
    server = collect()
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    for number, each in enumerate(slow):
        each.sendall((head(server, "Content-Length: 1000\r\n") + b"{")[: 20 + number])
    assert is_well(server)
    for each in slow:
        each.close()
    assert is_well(server, 2)


@pytest.mark.slow
def test_a_client_that_stops_in_the_middle_is_cut_off(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(head(server, "Content-Length: 1000\r\n") + call(1) + b"\n")
        assert is_well(server)
        assert _rest(connection) == b""
    assert not (tmp_path / "runs/r/events/p.jsonl").exists()


def refusal(room: Room, *pieces: bytes) -> RefusedError | None:
    """What becomes of a body in this room."""

    async def read() -> RefusedError | None:
        left = list(pieces)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

        body = Body(Headers({}), room, 1000)
        try:
            await body.read(Incoming(receive))
        except RefusedError as refused:
            return refused
        finally:
            body.close()
        return None

    return asyncio.run(read())


def test_what_there_is_no_room_for_may_come_later() -> None:
    room = Room(100)
    room.take(50)
    refused = refusal(room, b"x" * 40, b"x" * 20)
    assert refused is not None
    assert (refused.status, refused.retry_after, room.used) == (429, 1, 50)
    room.give_back(50)
    assert refusal(room, b"x" * 40, b"x" * 20) is None
    assert room.used == 0


def limit_files(server: Served, size: int) -> None:
    """From now on the server can write no file beyond this many bytes."""
    most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, most))


def test_what_the_disk_does_not_take_is_not_answered_for_and_taken_later(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    assert post(server, [call(1)]).status == 200
    file = tmp_path / "runs/r/events/p.jsonl"
    before = file.read_bytes()
    limit_files(server, len(before) + 100)  # one line more would be torn
    large = call(4, run_id="new", meta={"text": "x" * 300})
    for lines in ([call(2)], [call(2), call(3)], [large]):
        answer = post(server, lines)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert "cannot be written" in answer.said["error"]
    assert file.read_bytes() == before
    limit_files(server, resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1])
    assert post(server, [call(1), call(2), call(3)]).said == {"accepted": 2, "duplicate": 1, "rejected": []}
    assert post(server, [large]).said == {"accepted": 1, "duplicate": 0, "rejected": []}
    assert [event["event_id"] for event in written(tmp_path)] == [["p", 1], ["p", 2], ["p", 3]]


def test_a_folder_that_cannot_be_made_stops_its_run_only(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/r").write_text("in the way")
    answer: Answered = post(server, [call(1)])
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert post(server, [call(1, run_id="other")]).status == 200
    (tmp_path / "runs/r").unlink()
    assert post(server, [call(1)]).said["accepted"] == 1


def test_a_full_disk_at_the_end_of_a_run_does_not_end_the_collector(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    assert post(server, [span(1), span(2, ended_at=1_767_225_601.0, wall_ms=1000.0, status="done")]).status == 200
    limit_files(server, 10)
    time.sleep(3.5)  # it ends two seconds after the last event
    limit_files(server, resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1])
    assert is_well(server)
    manifest = tmp_path / "run_manifest.jsonl"
    assert wait_until(lambda: b'"done"' in manifest.read_bytes())


def test_what_would_go_to_a_deleted_file_is_not_answered_for(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    assert post(server, [call(1), call(2)]).said["accepted"] == 2
    shutil.rmtree(tmp_path / "runs/r")
    assert post(server, [call(3)]).status == 503
    assert post(server, [call(3)]).said["accepted"] == 1
    assert [event["event_id"] for event in written(tmp_path)] == [["p", 3]]


def test_a_deleted_run_of_many_processes_does_not_end_the_collector(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    lines = [call(1, process=f"p{number}") for number in range(400)]  # more than files are kept open
    assert post(server, lines).said["accepted"] == 400
    shutil.rmtree(tmp_path / "runs/r")
    assert post(server, lines).said["duplicate"] == 400  # whoever deletes events has had them
    assert post(server, [call(1, run_id="other")]).said["accepted"] == 1
