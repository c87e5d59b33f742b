"""Bars of time in bounded memory."""

from decimal import Decimal
from random import Random

from taximeter.events import CallEvent
from taximeter.ledger.latency import Latencies
from taximeter.ledger.timeline import Bar, Timeline
from taximeter.pricing.cost import Cost
from taximeter.usage import Usage

COST = Cost(Decimal("0.000000000001"), "USD", "priced", "sheet")


def call(number: int, start: float | None, stage: str = "a", model: str = "m") -> CallEvent:
    usage = Usage(input_tokens=1, output_tokens=2)
    return CallEvent(
        event_id=("p", number), stage_id=stage, model=model, usage=usage, started_at=start, request_ms=500.0
    )


def fold(calls: list[CallEvent], most: int) -> Timeline:
    timeline = Timeline(most)
    for each in calls:
        timeline.take(each, COST)
    return timeline


def test_few_calls_have_a_bar_each() -> None:
    timeline = fold([call(1, 10.5), call(2, 10.0), call(3, None)], 10)
    assert (timeline.width, timeline.untimed) == (0, 1)
    assert timeline.bars()[0] == Bar("a", None, "m", 10.0, 10.5, 0.5, 1, 0, 3, COST.amount)


def test_many_calls_are_binned_and_none_is_lost() -> None:
    bars = (timeline := fold([call(i, i * 0.01, "ab"[i % 2]) for i in range(10_000)], 100)).bars()
    assert len(bars) <= 100 and timeline.width == 2.0
    assert sum(bar.calls for bar in bars) == 10_000
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
