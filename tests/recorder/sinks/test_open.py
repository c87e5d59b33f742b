"""A sink is named by an object, a URL, or several of them."""

import sys
from pathlib import Path

import pytest

import taximeter
from taximeter.errors import SetupError
from taximeter.events import CallEvent, Event
from taximeter.recorder import guard
from taximeter.recorder.sinks.jsonl import JsonlSink
from taximeter.recorder.sinks.memory import MemorySink
from taximeter.recorder.sinks.open import open_sinks
from taximeter.recorder.sinks.sink import child_of, losses_of


def call(seq: int) -> CallEvent:
    return CallEvent(event_id=("p", seq), model="m")


THEIRS = """
class Kafka:
    def __init__(self, url):
        self.url, self.sent, self.is_closed = url, [], False
        Kafka.latest = self

    def emit(self, event):
        self.sent.append(event.kind if event.kind == "process" else event.span)

    def flush(self, timeout):
        return True

    def close(self):
        self.is_closed = True

def none(url):
    return [url]
"""


class Broken:
    def emit(self, event: Event) -> None:
        raise OSError("broken sink")

    def flush(self, timeout: float) -> bool:
        return False

    def close(self) -> None:
        raise OSError("broken sink")


def test_an_object_is_the_sink() -> None:
    sink = Broken()
    assert open_sinks(sink) is sink
    assert open_sinks([sink]) is sink


def test_a_url_names_the_sink(tmp_path: Path) -> None:
    assert isinstance(open_sinks("memory:"), MemorySink)
    sink = open_sinks(f"jsonl:{tmp_path}/out.jsonl")
    assert isinstance(sink, JsonlSink)
    sink.close()
    assert (tmp_path / "out.jsonl").exists()


def test_each_of_several_gets_every_event_whatever_happens_to_another() -> None:
    first, last = MemorySink(capacity=1), MemorySink()
    sink = open_sinks([first, Broken(), last])
    guard.forget()
    sink.emit(call(1))
    sink.emit(call(2))
    assert not sink.flush(1)
    sink.close()
    assert first.get_events() == [call(2)]
    assert last.get_events() == [call(1), call(2)]
    assert guard.failures == {"OSError: broken sink": 3}
    assert losses_of(sink) == {"dropped": 1}
    assert guard.losses["dropped"] == 2, "what the broken one did not take"
    child = child_of(sink)
    child.emit(call(3))
    assert last.get_events() == [call(1), call(2)]


@pytest.mark.parametrize("url", ["jsonl", "jsonl:", "nothing:x", "out.jsonl", ""])
def test_what_cannot_be_a_sink_is_refused_with_what_can(url: str) -> None:
    with pytest.raises(SetupError) as caught:
        open_sinks(url)
    assert "jsonl:PATH" in (caught.value.problems[0].hint or "")


def test_what_was_opened_before_a_bad_one_is_closed(tmp_path: Path) -> None:
    with pytest.raises(SetupError):
        open_sinks([f"jsonl:{tmp_path}/out.jsonl", "nothing:x"])
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_package_adds_a_sink_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs.py").write_text(THEIRS)
    info = tmp_path / "theirs-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[taximeter.sinks]\nkafka = theirs:Kafka\nnone = theirs:none\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    taximeter.enable(sink="kafka://host/topic")
    with taximeter.span("s"):
        pass
    taximeter.disable()
    sent = sys.modules["theirs"].Kafka.latest
    assert (sent.url, sent.sent[-2:], sent.is_closed) == ("kafka://host/topic", ["s", "process"], True)
    with pytest.raises(SetupError, match="is no sink: it has no emit"):
        open_sinks("none:")
    with pytest.raises(SetupError, match="there is no sink 'nothing'") as caught:
        open_sinks("nothing:x")
    assert "kafka:" in (caught.value.problems[0].hint or "")
