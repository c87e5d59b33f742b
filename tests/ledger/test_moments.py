"""Parts of a run, looked at closely."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taximeter.events import CallEvent
from taximeter.ledger.moments import Moments
from taximeter.pricing.cost import Cost
from taximeter.usage import Usage
from tests.ledger.test_timeline import span

calls = st.lists(
    st.builds(
        lambda number, start, length, cost, stage: (
            CallEvent(
                event_id=("p", number),
                stage_id=stage,
                model="m",
                usage=Usage(input_tokens=number),
                started_at=start / 8,
                request_ms=length * 125.0,
            ),
            Cost(None if cost is None else Decimal(cost).scaleb(-12), "USD", "priced", "sheet"),
        ),
        st.integers(0, 9),
        st.integers(0, 100),
        st.integers(0, 40),
        st.none() | st.integers(0, 10**15),
        st.sampled_from(["a", "b", None]),
    ),
    max_size=40,
)


def _order(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return *row[:-1], row[-1] is None, row[-1] or 0


@given(calls, st.integers(-5, 110), st.integers(0, 60))
def test_a_part_has_all_that_was_under_way_in_it_and_nothing_else(
    taken: list[tuple[CallEvent, Cost]], start: int, length: int
) -> None:
    moments = Moments(most=3)
    for half in (taken[::2], taken[1::2]):  # what comes later is sorted in
        for call, cost in half:
            moments.take(call, cost)
        moments.between(0, 1, 10)
    begin, end = start / 8, (start + length) / 8
    inside = [
        (call, cost)
        for call, cost in taken
        if (call.started_at or 0) <= end and (call.started_at or 0) + (call.request_ms or 0) / 1000 >= begin
    ]
    part = moments.between(begin, end, 1_000).bars()
    there = [(bar.stage_id or "", bar.start, bar.end, bar.tokens, bar.cost) for bar in part]
    expected = [
        (
            call.stage_id or "",
            call.started_at,
            (call.started_at or 0) + (call.request_ms or 0) / 1000,
            call.usage.input_tokens,
            cost.amount,
        )
        for call, cost in inside
    ]
    assert sorted(there, key=_order) == sorted(expected, key=_order)
    few = moments.between(begin, end, 4)
    assert len(few.bars()) <= 4
    assert sum(bar.count for bar in few.bars()) == len(inside)
    known = [cost.amount for _, cost in inside if cost.amount is not None]
    assert sum(bar.cost or 0 for bar in few.bars()) == sum(known)


def test_spans_keep_their_cpu_time_and_what_has_no_room_is_counted() -> None:
    moments = Moments(most=10, room=2)
    for each in (span("x", 1.0, 2.0, cpu_ms=250.0), span("y", 1.5, 2.5), span("z", 1.6, 3.0)):
        moments.take_span(each)
    assert [(bar.name, bar.cpu) for bar in moments.between(0, 9, 10).bars()] == [("x", 0.25), ("y", None)]
    assert (moments.beyond, len(moments.bars())) == (1, 3)
