"""A process that only its environment turns on."""

import os
from pathlib import Path

import pytest

from taximeter import settings
from taximeter.recorder.process import remote_parent
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


@pytest.mark.parametrize("name", ["ENABLED", "RUN_ID", "OUT", "HTTP_URL", "HTTP_TOKEN", "RATE_CARD"])
def test_older_names_mean_the_same_and_newer_ones_win(name: str) -> None:
    variable = getattr(settings, name)
    assert variable.read({f"OGMEM_PERF_{name}": "old"}) == "old"
    assert variable.read({f"OGMEM_PERF_{name}": "old", f"TAXIMETER_{name}": "new"}) == "new"
    assert variable.read({f"OGMEM_PERF_{name}": "old", f"TAXIMETER_{name}": ""}) == "old", "nothing is not set"


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    "told",
    ["", "x", f"00-{TRACE}", f"00-{TRACE}-{SPAN[1:]}-01", f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01",
     f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE[1:]}g-{SPAN}-01", "00-\u0661-\ud800-01", "-" * 100_000],
    ids=range(10),
)  # fmt: skip
def test_a_parent_that_cannot_be_is_none(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"TRACEPARENT": told})
    parent = remote_parent()
    assert (parent.trace_id, parent.span_id) == (None, None)


def test_a_parent_of_a_later_version_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"TRACEPARENT": f" 01-{TRACE.upper()}-{SPAN}-01-more "})
    parent = remote_parent()
    assert (parent.trace_id, parent.span_id) == (TRACE, SPAN)


def test_what_the_environment_labels_is_in_every_event(tmp_path: Path) -> None:
    env = {"TAXIMETER_SESSION_ID": "s", "TAXIMETER_TAGS": "team=x,what=a%2Cb,none,=", "TAXIMETER_BUDGET": "calls=9"}
    assert run(ONE_SPAN, tmp_path, TAXIMETER_ENABLED="1", TAXIMETER_OUT="e.jsonl", **env).stderr == ""
    span = spans(read_all(tmp_path))["s"]
    assert (span.session_id, span.tags) == ("s", {"team": "x", "what": "a,b"})
