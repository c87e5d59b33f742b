"""Spans in short: what a journal leaves out, its reader fills in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

import taximeter
from taximeter.events import Event, SpanEvent
from taximeter.journal.line import MAX_LINE, to_line
from taximeter.journal.reader import UNREADABLE
from taximeter.journal.short import EventReader, ShortSpan
from taximeter.recorder.sinks.jsonl import JsonlSink
from taximeter.recorder.sinks.memory import MemorySink
from tests.recorder.events import read, spans

PROCESS = SpanEvent(("p", 0), "run-1", "t" * 32, "s" * 16, "process", "main", 5.0, attempt=2, shard=3, pid=42)
SHORT = ShortSpan(7, "t" * 32, "a" * 16, "embed", 10.5, 250.0, "s" * 16, "main", "in", "in", "u", {"k": "v"}, {"n": 1})
WHOLE = SpanEvent(
    event_id=("p", 7),
    run_id="run-1",
    trace_id="t" * 32,
    span_id="a" * 16,
    kind="span",
    span="embed",
    started_at=10.5,
    parent_id="s" * 16,
    parent_span="main",
    stage="in",
    stage_id="in",
    attempt=2,
    shard=3,
    session_id="u",
    tags={"k": "v"},
    pid=42,
    ended_at=10.75,
    wall_ms=250.0,
    ok=True,
    status="done",
    meta={"n": 1},
)


def _read(*records: Event | ShortSpan) -> list[Event]:
    reader = EventReader()
    return [reader.event(to_line(record)) for record in records]


def test_what_the_span_of_the_process_says_is_filled_in() -> None:
    assert _read(PROCESS, SHORT)[1] == WHOLE
    assert len(to_line(SHORT)) < len(to_line(WHOLE)) - 80


def test_whole_records_stay_readable_before_and_between() -> None:
    assert _read(WHOLE, PROCESS, WHOLE, SHORT) == [WHOLE, PROCESS, WHOLE, WHOLE]


def test_the_run_is_the_one_that_the_process_named_last() -> None:
    later = msgspec.structs.replace(PROCESS, event_id=("p", 8), run_id="run-2")
    assert [event.run_id for event in _read(PROCESS, SHORT, later, SHORT)] == ["run-1", "run-1", "run-2", "run-2"]


def test_the_span_of_another_process_does_not_count() -> None:
    other = msgspec.structs.replace(PROCESS, event_id=("q", 0), run_id="run-2")
    assert _read(PROCESS, other, SHORT)[2] == WHOLE


def test_without_the_span_of_its_process_it_is_no_event() -> None:
    with pytest.raises(UNREADABLE, match="does not stand before it"):
        _read(SHORT)


@pytest.mark.parametrize(
    ("meta", "kept"),
    [
        ({"a": object()}, {"a": "<object>"}),
        ({"a": "\ud800"}, {"a": "\\ud800"}),
        ({"a": math.nan}, {"a": None}),
        ({"a": 2**80}, {"a": 2**80}),
        (msgspec.Raw(b'{"a":1}'), {"a": 1}),
        (None, None),
    ],
)
def test_whatever_it_carries_its_line_is_json(meta: Any, kept: Any) -> None:
    line = to_line(msgspec.structs.replace(SHORT, meta=meta))
    reader = EventReader()
    reader.event(to_line(PROCESS))
    assert reader.event(line).meta == kept
    assert line.count(b"\n") == 1


@pytest.mark.parametrize("meta", [{"a": "x" * MAX_LINE}, msgspec.Raw(msgspec.json.encode({"a": "x" * MAX_LINE}))])
def test_one_that_is_too_large_keeps_its_figures(meta: Any) -> None:
    line = to_line(msgspec.structs.replace(SHORT, meta=meta))
    reader = EventReader()
    reader.event(to_line(PROCESS))
    read = reader.event(line)
    assert msgspec.structs.replace(read, meta=None) == msgspec.structs.replace(WHOLE, meta=None)
    assert read.meta is not None
    assert read.meta["payload"].keys() == {"bytes", "sha256"}
    assert len(line) < 2_000


def _program(lists: list[int]) -> None:
    """Spans of every kind, in a stage and outside."""

    @taximeter.span("decorated", model="m", n=1, x=0.5, is_so=True, nothing=None)
    def constant() -> None:
        pass

    @taximeter.span("with a list", lists=lists)
    def changing() -> None:
        pass

    with taximeter.span("plain"), taximeter.session("u-1"), taximeter.tags(team="x"):
        constant()
    with taximeter.record_stage("stage", kind="k"), taximeter.span("inner", a=[1, {"b": None}]) as s:
        s.set(more="\u2028")
        changing()
        with pytest.raises(ValueError, match="no"), taximeter.span("failing"):
            raise ValueError("no")
        taximeter.log_llm_usage("m", 1, 1)


def test_a_file_tells_what_any_other_sink_gets(tmp_path: Path) -> None:
    found = {}
    for name, sink in (("memory", MemorySink()), ("file", JsonlSink(tmp_path / "e.jsonl"))):
        recorder = taximeter.enable(sink=sink, run_id="run-1")
        process = recorder.process
        _program([1, 2])
        taximeter.disable()
        events = sink.get_events() if isinstance(sink, MemorySink) else read(tmp_path / "e.jsonl")
        found[name] = {span: _without_times(event) for span, event in spans(events).items()}
        assert {event.event_id[0] for event in events} == {process.id}
    assert found["file"] == found["memory"]
    assert found["file"].keys() == {"decorated", "with a list", "plain", "stage", "inner", "failing"}


def _without_times(event: SpanEvent) -> tuple[object, ...]:
    assert event.ended_at is not None
    assert event.wall_ms is not None
    assert event.ended_at - event.started_at == pytest.approx(event.wall_ms / 1e3, abs=1e-6)
    moving = ("event_id", "trace_id", "span_id", "parent_id", "started_at", "ended_at", "wall_ms", "cpu_ms")
    return tuple(getattr(event, name) for name in event.__struct_fields__ if name not in moving)


def test_most_lines_of_a_file_are_short_and_a_hook_gets_whole_records(tmp_path: Path) -> None:
    for name, redact in (("short", None), ("hooked", lambda event: event)):
        taximeter.enable(sink=f"jsonl:{tmp_path / name}.jsonl", redact=redact)
        for _ in range(5):
            with taximeter.span("one"):
                pass
        taximeter.disable()
    assert (tmp_path / "short.jsonl").read_text().count("span_short_v1") == 5
    assert (tmp_path / "hooked.jsonl").read_text().count("span_short_v1") == 0


def test_a_file_that_could_not_take_the_span_of_the_process_gets_whole_records(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "e.jsonl")
    sink.emit(msgspec.structs.replace(PROCESS, event_id=("another", 0)))
    taximeter.enable(sink=sink, run_id="run-1")
    with taximeter.span("one"):
        pass
    taximeter.disable()
    text = (tmp_path / "e.jsonl").read_text()
    assert "span_short_v1" not in text
    assert '"span":"one"' in text
