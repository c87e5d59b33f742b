"""The recorder and the collector together: what one of them could not do is done later, and counted once."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from taximeter.events import CallEvent
from taximeter.recorder.sinks import delivery
from taximeter.recorder.sinks.courier import Courier
from taximeter.recorder.sinks.http import HttpSink
from taximeter.usage import Usage
from tests.stages import wait_until
from tests.web.collect.conftest import Collect, ask
from tests.web.collect.test_events import written
from tests.web.collect.test_hostile import limit_files

pytestmark = pytest.mark.slow

KILLED = """
import os, signal, sys, taximeter
taximeter.enable(sink=sys.argv[1], run_id="svc")
for _ in range(3000):
    taximeter.log_llm_usage("gpt-5", prompt_tokens=10, completion_tokens=5)
os.kill(os.getpid(), signal.SIGKILL)
"""
NEXT = """
import sys, taximeter
taximeter.enable(sink=sys.argv[1], run_id="svc")
taximeter.log_llm_usage("gpt-5", prompt_tokens=10, completion_tokens=5)
assert taximeter.flush(30)
sys.stdin.read()
"""


def ids(folder: Path, run_id: str) -> list[tuple[object, ...]]:
    found = [event for event in written(folder, run_id) if event["schema_version"] == "call_v1"]
    return [tuple(event["event_id"]) for event in found]  # type: ignore[arg-type]


def calls_in(events: Path) -> int:
    """How many stand in files of which the last line may be torn yet."""
    return sum(file.read_bytes().count(b'"call_v1"') for file in events.glob("*.jsonl"))


def test_what_the_collector_cannot_write_is_sent_again_when_it_says(
    collect: Collect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    pause = Courier.pause

    def shorter(courier: Courier, seconds: float) -> bool:
        pauses.append(seconds)
        return pause(courier, 0.02)

    monkeypatch.setattr(Courier, "pause", shorter)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    server = collect()
    limit_files(server, 100)
    sink = HttpSink(server.address)
    for seq in range(2_500):
        usage = Usage(input_tokens=10, output_tokens=5)
        sink.emit(CallEvent(("p", seq), model="gpt-5", run_id="r", usage=usage, started_at=1_767_225_600.0))
    assert wait_until(lambda: len(pauses) > 3)
    assert not sink.flush(0)
    limit_files(server, resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1])
    assert sink.flush(60)
    sink.close()
    assert sink.losses() == {}
    assert set(pauses) == {5.0}
    assert delivery.LONGEST_WISH >= 5
    assert ids(tmp_path, "r") == [("p", seq) for seq in range(2_500)]


@pytest.mark.parametrize("is_there", [True, False], ids=["while it is sent", "before the collector is there"])
def test_what_a_killed_sender_left_is_sent_by_the_next_one(collect: Collect, tmp_path: Path, is_there: bool) -> None:
    server = collect()
    if not is_there:
        server.process.kill()
        server.process.communicate()
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")}
    killed = subprocess.run([sys.executable, "-c", KILLED, server.address], env=environment, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    if not is_there:
        server = collect(port=server.port)
    program = [sys.executable, "-c", NEXT, server.address]
    following = subprocess.Popen(program, env=environment, stdin=subprocess.PIPE)
    try:
        assert wait_until(lambda: calls_in(tmp_path / "runs/svc/events") >= 3001)
    finally:
        following.communicate(timeout=60)
    assert following.returncode == 0
    found = ids(tmp_path, "svc")
    assert len(found) == len(set(found)) == 3001
    figures = ask(server, "GET", "/metrics").body.decode()
    assert 'taximeter_calls_total{project="",model="gpt-5"' in figures
