"""Events that are kept in the process."""

import threading
from pathlib import Path

import pytest

import taximeter
from taximeter.events import CallEvent, SpanEvent
from taximeter.recorder.sinks.memory import MemorySink


def call(seq: int) -> CallEvent:
    return CallEvent(event_id=("p", seq), model="m")


def seqs(sink: MemorySink) -> list[int]:
    return [event.event_id[1] for event in sink.get_events()]


def test_a_capacity_keeps_the_last_events_and_counts_the_others() -> None:
    sink = MemorySink(capacity=3)
    for seq in range(3):
        sink.emit(call(seq))
    assert (seqs(sink), sink.losses()) == ([0, 1, 2], {})
    for seq in range(3, 10):
        sink.emit(call(seq))
    assert (seqs(sink), sink.losses()) == ([7, 8, 9], {"dropped": 7})
    sink.close()
    assert seqs(sink) == [7, 8, 9]


def test_without_a_capacity_all_are_kept() -> None:
    sink = MemorySink()
    for seq in range(1_000):
        sink.emit(call(seq))
    assert (seqs(sink), sink.losses()) == (list(range(1_000)), {})


def test_threads_count_together() -> None:
    sink = MemorySink(capacity=10)
    threads = [threading.Thread(target=lambda: [sink.emit(call(seq)) for seq in range(1_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sink.get_events()) == 10
    assert sink.losses() == {"dropped": 3_990}


@pytest.mark.parametrize("capacity", [None, 2])
def test_a_child_begins_with_an_empty_one_of_that_capacity(capacity: int | None) -> None:
    sink = MemorySink(capacity)
    for seq in range(5):
        sink.emit(call(seq))
    child = sink.in_child()
    assert (child.get_events(), child.losses()) == ([], {})
    for seq in range(5):
        child.emit(call(seq))
    assert len(child.get_events()) == (capacity or 5)


def test_what_had_to_go_stands_in_the_span_of_the_process_and_in_the_report(card: Path) -> None:
    sink = MemorySink(capacity=4)
    recorder = taximeter.enable(sink=sink, rate_card_path=card)
    for _ in range(10):
        taximeter.log_llm_usage("big", 1, 1)
    recorder.beat_at = 0
    with taximeter.span("s"):
        pass
    (process,) = (e for e in sink.get_events() if isinstance(e, SpanEvent) and e.kind == "process")
    assert process.losses == {"dropped": 8}, "one span of the process, ten calls and a span, of which four were kept"
    losses = taximeter.run_report().report.losses
    assert losses.dropped == 8
