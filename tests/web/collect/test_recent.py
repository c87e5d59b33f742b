"""Of a service that sends for days only what came lately is known again, and only that is read again."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.ingest.otlp import OtlpSpan
from taximeter.pricing.builtin import sheet_in
from taximeter.rundir import OutputDir
from taximeter.web.collect import traces
from taximeter.web.collect.batch import Dirty
from taximeter.web.collect.handles import Handles
from taximeter.web.collect.recent import Recent
from taximeter.web.collect.shelf import Shelf
from taximeter.web.collect.traces import TraceBatch

BEGAN = 1_767_225_600.0


@given(st.lists(st.integers(0, 12).map(str), max_size=60), st.integers(1, 6))
def test_what_came_lately_is_known_and_not_much_more(things: list[str], least: int) -> None:
    recent, news = Recent(least), list[str]()
    for thing in things:
        is_new = recent.add(thing)
        assert is_new or thing in news[-2 * least :]
        assert not is_new or thing not in news[-least:]
        news += [thing] if is_new else []
        assert len(recent) <= 2 * least


def send(shelf: Shelf, numbers: Iterable[int]) -> tuple[int, int]:
    """Spans of one service in one request, as the writer writes them: how many are new, and how many are not."""
    loop = asyncio.new_event_loop()
    spans = [
        OtlpSpan("1" * 32, f"{n:016x}", None, "s", BEGAN + n, BEGAN + n + 1, {}, resource={"service.name": "bot"})
        for n in numbers
    ]
    batch, dirty = TraceBatch(shelf, spans, loop.create_future()), Dirty()
    batch.take(dirty)
    for run in dirty:
        for stream in run.streams.values():
            if stream.waits:
                stream.write()
    loop.close()
    return batch.verdict.accepted, batch.verdict.duplicate


@pytest.mark.parametrize("tail", [1 << 14, 1 << 30], ids=["the end of it", "all of it"])
def test_a_service_that_was_forgotten_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: int
) -> None:
    monkeypatch.setattr(traces, "_TAIL", tail)
    handles = Handles()
    shelf = Shelf(OutputDir(tmp_path), sheet_in(None), handles)
    for begin in range(0, 500, 50):
        assert send(shelf, range(begin, begin + 50)) == (50, 0)
    shelf.close()
    assert send(shelf, range(490, 510)) == (10, 10)
    (run,) = shelf.runs.values()
    (stream,) = run.streams.values()
    assert (stream._pieces[0].begin > 0) == (tail == 1 << 14)
    shelf.close()
    handles.close_all()
    (file,) = tmp_path.glob("runs/*/events/*.jsonl")
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert [line["event_id"][1] for line in lines] == list(range(510 + 11))
    process = [line for line in lines if line["kind"] == "process"][-1]
    assert (process["started_at"], process["ended_at"]) == (BEGAN, BEGAN + 510)
