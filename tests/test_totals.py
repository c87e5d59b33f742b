"""Sums that add up, whatever they are sums over."""

from decimal import Decimal
from functools import reduce
from operator import add

from hypothesis import given
from hypothesis import strategies as st

from taximeter.events import CallEvent
from taximeter.pricing.cost import EXACT, Cost
from taximeter.pricing.price import price
from taximeter.pricing.sheet import Sheet
from taximeter.totals import NOTHING, Totals, total_by
from taximeter.usage import Usage, counts
from tests.prices import card

RATES = st.decimals(0, 100, places=9)
SHEETS = st.builds(
    lambda a, b, c: Sheet(entries=(card("a", a, b), card("b", c), card("free", free=True))),
    RATES,
    RATES,
    RATES,
)
TOKENS = st.none() | st.integers(0, 2**63 - 1)
CALLS = st.lists(
    st.builds(
        lambda model, stage, i, o, part, ttl, pieces, cached, kind, failed, paid, wrong: CallEvent(
            event_id=("p", 0),
            model=model,
            stage_id=stage,
            usage=Usage(i, o, part, o, part, part, audio_input_tokens=i, cache_write_by_ttl=ttl, counters=pieces),
            cached=cached,
            kind=kind,
            status="failed" if failed else "done",
            provider_cost=paid,
            inconsistent=wrong,
        ),
        st.sampled_from(["a", "b", "free", "unknown"]),
        st.sampled_from(["s1", "s2", None]),
        TOKENS,
        TOKENS,
        TOKENS,
        st.dictionaries(st.sampled_from(["5m", "1h"]), st.integers(0, 99)).map(counts),
        st.dictionaries(st.sampled_from(["images", "pages"]), st.integers(0, 99)).map(counts),
        st.booleans(),
        st.sampled_from(["llm", "embedding"]),
        st.booleans(),
        st.none() | st.decimals(0, 10, places=12),
        st.sampled_from([(), ("why",)]),
    ),
    max_size=40,
)


@given(SHEETS, CALLS)
def test_stages_models_and_the_run_add_up_to_the_last_digit(sheet: Sheet, calls: list[CallEvent]) -> None:
    priced = [(call, price(call, sheet)) for call in calls]
    run = reduce(add, (Totals.of(*pair) for pair in priced), NOTHING)
    for key in (lambda c: c.stage_id, lambda c: c.model, lambda c: (c.stage_id, c.model)):
        assert reduce(add, total_by(priced, key).values(), NOTHING) == run
    assert run.calls == len(calls)
    money = (cost.amount for _, cost in priced if cost.amount is not None)
    assert (run.cost or 0) == reduce(EXACT.add, money, Decimal(0))


@given(SHEETS, CALLS)
def test_nothing_changes_nothing(sheet: Sheet, calls: list[CallEvent]) -> None:
    for call in calls:
        one = Totals.of(call, price(call, sheet))
        assert one + NOTHING == NOTHING + one == one


def of(status: str, amount: str | None = "1", **fields: object) -> Totals:
    call = CallEvent(event_id=("p", 0), model="m", usage=Usage(5, 5), **fields)  # type: ignore[arg-type]
    return Totals.of(call, Cost(None if amount is None else Decimal(amount), "USD", status, "t"))  # type: ignore[arg-type]


def test_a_cost_is_as_sure_as_its_least_sure_call() -> None:
    priced, estimated, partial, unpriced = of("priced"), of("estimated"), of("partial"), of("unpriced", None)
    assert NOTHING.cost_status is None
    assert priced.cost_status == "priced"
    assert (priced + estimated).cost_status == "estimated"
    assert (priced + estimated + partial).cost_status == "partial"
    assert (priced + unpriced).cost_status == "partial"
    assert unpriced.cost_status == "unpriced"


def test_a_call_without_usage_makes_the_cost_partial_and_is_not_called_unpriced() -> None:
    silent = Totals.of(CallEvent(event_id=("p", 0), model="m"), Cost(None, "USD", "unpriced", "no usage"))
    assert (silent.missing_usage_calls, silent.unpriced_calls) == (1, 0)
    assert (of("priced") + silent).cost_status == "partial"


def test_a_failed_call_that_used_nothing_leaves_the_cost_as_sure_as_it_was() -> None:
    failed = Totals.of(
        CallEvent(event_id=("p", 0), model="m", status="failed"), Cost(None, "USD", "unpriced", "no usage")
    )
    assert failed.cost_status is None
    assert (of("priced") + failed).cost_status == "priced"


def test_tokens_of_a_cached_call_are_saved_and_not_used() -> None:
    call = CallEvent(event_id=("p", 0), model="m", usage=Usage(7, 3), cached=True)
    totals = Totals.of(call, Cost(Decimal(0), "USD", "priced", "cache", saved=Decimal(2)))
    assert (totals.input_tokens, totals.saved_input_tokens, totals.saved_output_tokens) == (0, 7, 3)
    assert (totals.cost, totals.saved_cost, totals.cost_status) == (0, 2, "priced")


def test_open_counts_add_up_by_name() -> None:
    def used(**named: int) -> Totals:
        usage = Usage(9, 9, audio_input_tokens=4, cache_write_by_ttl=(("5m", 3),), counters=counts(named))
        return Totals.of(CallEvent(event_id=("p", 0), model="m", usage=usage), Cost(None, "USD", "unpriced", "t"))

    totals = used(web_searches=2) + used(images=1) + used(web_searches=5)
    assert totals.counters == (("images", 1), ("web_searches", 7))
    assert totals.modality_tokens == (("audio_input_tokens", 12),)
    assert totals.cache_write_by_ttl == (("5m", 9),)


def test_a_call_whose_counts_contradict_each_other_is_counted() -> None:
    assert (of("estimated", inconsistent=("why",)) + of("priced")).inconsistent_calls == 1
