"""A process that only its environment turns on."""

from pathlib import Path

import pytest

from taximeter.recorder.recorder import Recorder
from tests.collectors import collector
from tests.recorder.events import read_all, spans
from tests.recorder.test_recorder import ONE_SPAN, run

MANY_FIRST_USES = """
import threading, taximeter
barrier = threading.Barrier(16)

def first(n):
    barrier.wait()
    recorders.append(taximeter.get_recorder())
    with taximeter.span(f"t{n}"):
        pass

taximeter.span  # what is tried is the first use, not the import
recorders = []
threads = [threading.Thread(target=first, args=(n,)) for n in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(set(map(id, recorders))), taximeter.is_enabled())
"""


def test_a_child_that_is_forked_while_another_thread_asks_the_environment_asks_for_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TAXIMETER_ENABLED", "1")
    asked = []
    recorder = Recorder()

    def asking() -> None:
        asked.append(1)
        if len(asked) == 1:
            assert not recorder.settled(), "it is on the way"
            recorder.in_child()  # as the child's thread does, in which nobody will come to the end of this
            assert not recorder.settled()

    monkeypatch.setattr(recorder, "_enable_by_environment", asking)
    recorder.settled()
    assert len(asked) == 2


def test_a_collector_wins_over_a_file(tmp_path: Path) -> None:
    with collector() as server:
        env = {"TAXIMETER_HTTP_URL": server.url, "TAXIMETER_HTTP_TOKEN": "of-project", "TAXIMETER_OUT": "out.jsonl"}
        done = run(ONE_SPAN, tmp_path, TAXIMETER_ENABLED="1", XDG_STATE_HOME=str(tmp_path / "state"), **env)
        assert (done.returncode, done.stderr) == (0, "")
        assert "s" in {event["span"] for (event,) in server.taken.values()}
        assert {request.headers["Authorization"] for request in server.requests} == {"Bearer of-project"}
    assert not (tmp_path / "out.jsonl").exists()


def test_threads_that_come_first_together_share_one_recorder_and_lose_nothing(tmp_path: Path) -> None:
    done = run(MANY_FIRST_USES, tmp_path, TAXIMETER_ENABLED="1", TAXIMETER_OUT="out.jsonl")
    assert (done.stdout.split(), done.stderr) == (["1", "True"], "")
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert spans(read_all(tmp_path)).keys() == {f"t{n}" for n in range(16)}
