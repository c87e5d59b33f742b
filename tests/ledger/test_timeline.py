"""Bars of time in bounded memory."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.events import CallEvent, SpanEvent
from taximeter.ledger.latency import Latencies
from taximeter.ledger.timeline import BARS_A_LANE, Bar, Timeline
from taximeter.pricing.cost import Cost
from taximeter.report.waiting import waiting
from taximeter.usage import Usage

COST = Cost(Decimal("0.000000000001"), "USD", "priced", "sheet")


def call(
    number: int, start: float | None, stage: str = "a", model: str = "m", process: str = "p", ms: float = 500.0
) -> CallEvent:
    usage = Usage(input_tokens=1, output_tokens=2)
    return CallEvent(
        event_id=(process, number), stage_id=stage, model=model, usage=usage, started_at=start, request_ms=ms
    )


def span(name: str, start: float, end: float | None, ok: bool = True, **fields: float) -> SpanEvent:
    known = {"run_id": "r", "trace_id": "t", "span_id": name, "kind": "span", "stage_id": "a", "ok": ok}
    return SpanEvent(event_id=("p", 0), span=name, started_at=start, ended_at=end, **known, **fields)


def fold(calls: list[CallEvent], most: int) -> Timeline:
    timeline = Timeline(most)
    for each in calls:
        timeline.take(each, COST)
    return timeline


def test_few_calls_have_a_bar_each() -> None:
    timeline = fold([call(1, 10.5), call(2, 10.0), call(3, None)], 10)
    assert (timeline.width, timeline.untimed) == (0, 1)
    assert timeline.bars()[0] == Bar("a", "p", None, "m", 10.0, 10.5, 0.5, 1, 0, 3, COST.amount)


def test_many_calls_are_binned_and_none_is_lost() -> None:
    bars = (timeline := fold([call(i, i * 0.01, "ab"[i % 2]) for i in range(10_000)], 100)).bars()
    assert len(bars) <= 100 and timeline.width == 2.0
    assert sum(bar.count for bar in bars) == 10_000
    assert sum(bar.tokens for bar in bars) == 30_000
    assert sum(bar.cost or 0 for bar in bars) == 10_000 * (COST.amount or 0)
    assert (bars[0].start, max(bar.end for bar in bars)) == (0.0, 9999 * 0.01 + 0.5)


def test_the_order_of_calls_does_not_matter() -> None:
    calls = [call(i, i * 0.25) for i in range(1_000)]
    shuffled = Random(1).sample(calls, len(calls))
    assert fold(calls, 50).bars() == fold(shuffled, 50).bars()


def test_more_stages_than_bars_are_counted_as_left_out() -> None:
    timeline = fold([call(i, 1.0, f"stage {i}") for i in range(40)], 30)
    assert (len(timeline.bars()), timeline.left_out) == (30, 10)


def test_processes_have_lanes_until_there_are_too_many_of_them() -> None:
    calls = [call(i, i * 0.25, "ab"[i % 2], process=f"p{i // 2}") for i in range(200)]
    timeline = fold(calls, 200 * BARS_A_LANE)
    assert len({(bar.stage_id, bar.process) for bar in timeline.bars()}) == 200 and not timeline.is_crowded
    for most in (200 * BARS_A_LANE - 1, 20):
        timeline = fold(calls, most)
        assert timeline.is_crowded and timeline.left_out == 0
        assert {bar.process for bar in timeline.bars()} == {None}
        assert sum(bar.count for bar in timeline.bars()) == len(calls)


def test_spans_that_hold_others_come_first_and_add_up_when_binned() -> None:
    spans = [span("inner", 1.0, 2.0, cpu_ms=5.0), span("outer", 1.0, 9.0, ok=False), span("open", 3.0, None)]
    timeline = Timeline(10)
    for each in spans:
        timeline.take_span(each)
    assert [(bar.name, bar.busy, bar.failed, bar.cpu) for bar in timeline.bars()] == [
        ("outer", 8.0, 1, None),
        ("inner", 1.0, 0, 0.005),
    ]
    timeline = Timeline(4)
    for i in range(100):
        timeline.take_span(span("item", float(i), i + 0.5, cpu_ms=10.0))
    assert len(timeline.bars()) <= 4
    assert sum(bar.count for bar in timeline.bars()) == 100
    assert (sum(bar.busy for bar in timeline.bars()), round(sum(bar.cpu or 0 for bar in timeline.bars()), 9)) == (50, 1)


def test_waiting_counts_calls_at_the_same_time_once() -> None:
    calls = [call(1, 0.0, ms=1000), call(2, 0.5, ms=1000), call(3, 5.0, ms=250), call(4, 6.0, ms=0)]
    assert waiting(fold(calls, 10).bars()) == 1.75
    assert waiting([]) == 0


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 400)), max_size=30))
def test_waiting_is_exact_for_single_calls_and_never_beyond_what_bins_can_hold(times: list[tuple[int, int]]) -> None:
    calls = [call(i, start / 8, ms=length * 125) for i, (start, length) in enumerate(times)]
    seen = {eighth for start, length in times for eighth in range(start, start + length)}
    assert waiting(fold(calls, 100).bars()) == pytest.approx(len(seen) / 8)
    binned = fold(calls, 2).bars()
    assert waiting(binned) <= sum(bar.end - bar.start for bar in binned) + 1e-6


def test_percentiles_are_right_within_two_percent() -> None:
    latencies, lengths = Latencies(), [Random(2).lognormvariate(6, 1) for _ in range(5_000)]
    for length in [*lengths, 0.0]:
        latencies.take(length)
    for share in (0.5, 0.95):
        found, true = latencies.percentile(share), sorted(lengths)[int(share * len(lengths))]
        assert found is not None and abs(found / true - 1) < 0.03
    assert latencies.percentile(1) == max(lengths) == latencies.longest
    assert len(latencies.buckets) < 500
    assert Latencies().percentile(0.5) is None
