"""What holds for every usage, whatever has a rate."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from taximeter.events import CallEvent
from taximeter.pricing.buckets import Rated, split
from taximeter.pricing.builtin import built_in
from taximeter.pricing.charge import Charge
from taximeter.pricing.cost import EXACT, NOTHING
from taximeter.pricing.lookup import terms
from taximeter.pricing.match import exact
from taximeter.pricing.price import price
from taximeter.pricing.sheet import Entry, Rate, Sheet, Step, Tiers, decode_sheet
from taximeter.pricing.units import (
    CACHE_READ,
    CACHE_WRITE,
    INPUT,
    MODAL_INPUT,
    MODAL_OUTPUT,
    MODAL_READ,
    OUTPUT,
    REASONING,
    TOOL_USE,
    cache_write,
    is_input,
)
from taximeter.usage import Usage, counts, is_consistent

MODAL = (*MODAL_INPUT, *MODAL_READ, *MODAL_OUTPUT)
RATED = st.sets(
    st.sampled_from([INPUT, OUTPUT, CACHE_READ, CACHE_WRITE, cache_write("5m"), TOOL_USE, REASONING, *MODAL])
)
FEW = st.none() | st.integers(0, 1000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    fields = {name: draw(FEW) for name in Usage.__struct_fields__ if name.endswith("_tokens")}
    writes = draw(st.dictionaries(st.sampled_from(["5m", "1h", "12h"]), st.integers(0, 1000)))
    return Usage(**{**fields, "cache_write_by_ttl": counts(writes)})


@given(usages(), RATED)
def test_every_token_is_in_exactly_one_bucket_even_if_the_counts_contradict_each_other(
    usage: Usage, rated: set[str]
) -> None:
    buckets, _ = split(usage, Rated.of(rated))
    assert sum(tokens for unit, tokens in buckets if is_input(unit)) == (usage.input_tokens or 0)
    assert sum(tokens for unit, tokens in buckets if not is_input(unit)) == (usage.output_tokens or 0)
    assert all(tokens > 0 for _, tokens in buckets)


BESIDE = [OUTPUT, CACHE_READ, CACHE_WRITE, REASONING, TOOL_USE, "audio_input_tokens", "image_output_tokens", "images"]


@given(usages(), usages(), st.sets(st.sampled_from(BESIDE)))
def test_the_short_way_to_the_cost_of_most_calls_leads_where_the_long_one_does(
    plain: Usage, any_usage: Usage, rated: set[str]
) -> None:
    rates = {unit: Rate(Decimal(number), 10**6) for number, unit in enumerate([INPUT, *sorted(rated)], 1)}
    steps = Tiers(INPUT, "cliff", (Step(500, {INPUT: Rate(Decimal(9), 10**6)}),))
    sheet = Sheet(entries=(Entry("m", (exact("m"),), rates=rates, tiers=steps),))
    (term,) = terms(sheet, (None, None, "m", "sync", None, None, None, None))
    assert isinstance(term.charge, Charge)
    long = (msgspec.structs.replace(band, usual=None) for band in term.charge.bands)
    charge = msgspec.structs.replace(term.charge, bands=tuple(long))
    most = Usage(plain.input_tokens, plain.output_tokens, plain.cache_read_input_tokens)
    for usage in (most, any_usage, msgspec.structs.replace(most, counters=(("images", 2),))):
        assert term.charge.cost(usage) == charge.cost(usage)


SHEET = built_in()
AGAIN = decode_sheet(SHEET.encoded)
ENTRIES = st.sampled_from(SHEET.entries)
WHOLE = st.integers(0, 10**6)


@st.composite
def calls(draw: st.DrawFn) -> CallEvent:
    entry, plain, read = draw(ENTRIES), draw(WHOLE), draw(WHOLE)
    usage = Usage(plain + read, draw(WHOLE), read)
    return CallEvent(
        event_id=("p", 0), model=entry.match[0].text, provider=entry.provider, usage=usage, started_at=1_795_000_000.0
    )


@given(calls())
def test_a_batch_costs_no_more_and_a_token_more_costs_no_less(call: CallEvent) -> None:
    sheet = SHEET
    cost = price(call, sheet)
    batch = price(msgspec.structs.replace(call, processing="batch"), sheet)
    assert is_consistent(call.usage)
    assert cost.amount is None or (batch.amount or 0) <= cost.amount
    more = msgspec.structs.replace(call.usage, input_tokens=(call.usage.input_tokens or 0) + 1)
    assert (price(msgspec.structs.replace(call, usage=more), sheet).amount or 0) >= (cost.amount or 0)


@given(calls())
def test_line_items_are_the_amount_and_a_sheet_read_back_gives_the_same(call: CallEvent) -> None:
    sheet = SHEET
    cost = price(call, sheet)
    amount = NOTHING
    for item in cost.line_items:
        amount = EXACT.add(amount, item.amount)
    assert amount == (cost.amount or 0)
    assert price(call, AGAIN) == cost
