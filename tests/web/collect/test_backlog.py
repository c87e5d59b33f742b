"""A collector that has as much to write as it may keep sends everybody away for a moment, and in the end has it all."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from taximeter.events import CallEvent
from taximeter.recorder.sinks.courier import Courier
from taximeter.recorder.sinks.http import HttpSink
from taximeter.usage import Usage
from tests.stages import wait_until
from tests.web.collect.conftest import Collect, ask, call, post
from tests.web.collect.test_hostile import head, peak
from tests.web.collect.test_sender import ids
from tests.web.conftest import Served

pytestmark = pytest.mark.slow

ROOM = 256 << 20
SENDERS, EVENTS = 4, 1_200


def waiting(server: Served) -> int:
    figures = ask(server, "GET", "/metrics").body.decode()
    return int(figures.rpartition("taximeter_collector_waiting_bytes ")[2].split()[0])


@contextmanager
def full(server: Served) -> Iterator[None]:
    """The room for all bodies is taken by one that does not end."""
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(head(server, f"Content-Length: {ROOM}\r\n"))
        slow.sendall(bytes(ROOM - 64))
        assert wait_until(lambda: waiting(server) == ROOM - 64)
        yield


def test_a_full_backlog_sends_senders_away_and_loses_nothing(
    collect: Collect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    pause = Courier.pause

    def noted(courier: Courier, seconds: float) -> bool:
        pauses.append(seconds)
        return pause(courier, seconds)

    monkeypatch.setattr(Courier, "pause", noted)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    server = collect("--max-body", "256MiB")
    with ExitStack() as sinks:
        with full(server):
            for path in ("/v1/events", "/v1/traces"):
                answer = post(server, [call(1)], path)
                assert (answer.status, answer.headers["retry-after"]) == (429, "1")
                assert answer.said == {"error": "too much waits to be written"}
            senders = [HttpSink(server.address) for _ in range(SENDERS)]
            for sender in senders:
                sinks.callback(sender.close)
            for seq in range(EVENTS):
                for process, sender in enumerate(senders):
                    usage = Usage(input_tokens=10, output_tokens=5)
                    sender.emit(CallEvent((f"p{process}", seq), model="gpt-5", run_id="r", usage=usage))
            assert wait_until(lambda: len(pauses) >= SENDERS)
            assert not (tmp_path / "runs").exists()
        assert all(sender.flush(30) for sender in senders)
    assert set(pauses) == {1.0}  # as it was asked for: its own first pause would be a half of that or less
    assert [sender.losses() for sender in senders] == [{}] * SENDERS
    assert sorted(ids(tmp_path, "r")) == [(f"p{process}", seq) for process in range(SENDERS) for seq in range(EVENTS)]
    assert waiting(server) == 0
    figures = ask(server, "GET", "/metrics").body.decode()
    assert 'taximeter_collector_events_total{project="",result="duplicate"} 0' in figures
    assert f'taximeter_collector_events_total{{project="",result="accepted"}} {SENDERS * EVENTS}' in figures
    sent_away = next(line for line in figures.splitlines() if 'status="429"' in line)
    assert int(sent_away.split()[1]) >= len(pauses)


def test_a_flood_takes_little_more_memory_than_it_is_large(collect: Collect) -> None:
    server = collect()
    body = b"\n".join(call(seq, process="from", meta={"text": "x" * 200}) for seq in range(20_000))
    bodies = [body.replace(b'"from"', b'"p%02d"' % number) for number in range(16)]
    assert post(server, [call(1)]).status == 200
    before = peak(server)
    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(lambda each: post(server, each).said, bodies))
    assert answers == [{"accepted": 20_000, "duplicate": 0, "rejected": []}] * len(bodies)
    assert peak(server) - before < 3.5 * sum(map(len, bodies)) / 1024
