"""What a call costs, with the arithmetic written out."""

from decimal import Decimal
from functools import reduce
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from taximeter.events import CallEvent
from taximeter.pricing.cost import EXACT
from taximeter.pricing.price import price
from taximeter.pricing.sheet import Exchange, Sheet, read_sheet
from taximeter.usage import Usage
from tests.prices import card

D = Decimal
CARD = card("m", "0.003", "0.015")
CACHING = card("c", "0.003", "0.015", "0.0003", "0.00375")
SHEET = Sheet(entries=(CARD, CACHING, card("local", free=True), card("in", "0.1")))


def call(model: str = "m", usage: Usage | None = None, **fields: object) -> CallEvent:
    return CallEvent(event_id=("p", 0), model=model, usage=usage or Usage(1000, 200), **fields)  # type: ignore[arg-type]


def test_input_and_output_are_charged_by_their_rates() -> None:
    cost = price(call(), SHEET)
    # 1000 x 0.003 / 1000 + 200 x 0.015 / 1000
    assert (cost.amount, cost.status, cost.entry) == (D("0.006"), "priced", "m")
    assert [(i.unit, i.quantity, i.amount) for i in cost.line_items] == [
        ("input_tokens", 1000, D("0.003")),
        ("output_tokens", 200, D("0.003")),
    ]


def test_an_invoice_with_a_cache_write_and_the_same_prompt_read_back() -> None:
    written = price(call("c", Usage(12_307, 550, cache_write_input_tokens=12_304)), SHEET)
    # 3 x $3 + 12,304 x $3.75 + 550 x $15, per million
    assert written.amount == D("0.054399")
    read = price(call("c", Usage(12_307, 550, cache_read_input_tokens=12_304)), SHEET)
    # 3 x $3 + 12,304 x $0.30 + 550 x $15, per million
    assert read.amount == D("0.0119502")
    assert written.status == read.status == "priced"


def test_cached_tokens_without_a_rate_of_their_own_are_an_estimate_at_the_full_rate() -> None:
    cost = price(call("m", Usage(1000, 200, cache_read_input_tokens=900)), SHEET)
    assert (cost.amount, cost.status) == (D("0.006"), "estimated")


def test_an_unknown_model_has_no_price_and_not_a_price_of_nothing() -> None:
    cost = price(call("who"), SHEET)
    assert (cost.amount, cost.status) == (None, "unpriced")


def test_the_model_that_answered_is_looked_up_first_and_the_one_asked_for_second() -> None:
    assert price(call("who", response_model="m"), SHEET).entry == "m"
    assert price(call("m", response_model="m-2026-01-01"), SHEET).entry == "m"


def test_default_rates_give_an_estimate() -> None:
    sheet = Sheet(default=card("default", "0.003", "0.015"))
    cost = price(call("who"), sheet)
    assert (cost.amount, cost.status, cost.entry) == (D("0.006"), "estimated", "default")


def test_free_is_known_to_be_nothing() -> None:
    cost = price(call("local"), SHEET)
    assert (cost.amount, cost.status) == (D(0), "priced")


def test_a_unit_without_a_rate_makes_the_cost_partial() -> None:
    cost = price(call("in"), SHEET)
    assert (cost.amount, cost.status, cost.unpriced_units) == (D("0.1"), "partial", ("output_tokens",))
    nothing = price(call("in", Usage(None, 5)), SHEET)
    assert (nothing.amount, nothing.status) == (None, "unpriced")


def test_missing_usage_cannot_be_priced() -> None:
    assert price(call(usage=Usage()), SHEET).reason == "no usage"


def test_what_the_provider_billed_wins() -> None:
    cost = price(call(provider_cost=D("0.5")), SHEET)
    assert (cost.amount, cost.status, cost.source) == (D("0.5"), "priced", "provider")


def test_a_bill_is_in_dollars_and_is_exchanged_into_the_money_of_the_sheet() -> None:
    euros = Sheet(currency="EUR", entries=(CARD,), fx={"USD": Exchange(D("0.9"), "2026-03-01")})
    cost = price(call(provider_cost=D("0.5")), euros)
    assert (cost.amount, cost.currency, cost.status) == (D("0.45"), "EUR", "priced")
    assert cost.reason == "0.5 USD x 0.9 (USD of 2026-03-01)"
    unknown = price(call(provider_cost=D("0.5")), Sheet(currency="EUR", entries=(CARD,)))
    assert (unknown.amount, unknown.status) == (None, "unpriced")
    assert unknown.reason == "billed in USD, and `fx` of the sheet does not say what that is worth"


def test_tokens_of_one_side_that_nobody_counted_make_the_cost_partial_if_they_are_charged() -> None:
    cost = price(call(usage=Usage(1000, None)), SHEET)
    assert (cost.amount, cost.status, cost.reason) == (D("0.003"), "partial", "nobody told the output_tokens")
    assert price(call("in", usage=Usage(1000, None)), SHEET).status == "priced"  # output has no rate
    assert price(call(usage=Usage(1000, None), kind="embedding"), SHEET).status == "priced"
    assert price(call("local", usage=Usage(1000, None)), SHEET).status == "priced"


def test_an_answer_from_a_local_cache_costs_nothing_and_says_what_it_saved() -> None:
    cost = price(call(cached=True), SHEET)
    assert (cost.amount, cost.saved, cost.status) == (D(0), D("0.006"), "priced")
    assert price(call("who", cached=True), SHEET).saved is None


def test_a_million_small_calls_are_not_rounded_away() -> None:
    cheap = Sheet(entries=(card("m", "0.0000004"),))
    cost = price(call(usage=Usage(1, 0)), cheap)
    assert cost.amount == D("0.0000000004")


TOKENS = st.integers(0, 2**63 - 1)
RATES = st.decimals(0, 1000, places=8)


@given(TOKENS, TOKENS, st.integers(0, 10**6), st.integers(0, 10**6), RATES, RATES, st.none() | RATES, st.none() | RATES)
def test_line_items_are_the_amount_and_hold_every_token_once(
    plain: int,
    out: int,
    read: int,
    write: int,
    prompt: Decimal,
    completion: Decimal,
    r: Decimal | None,
    w: Decimal | None,
) -> None:
    sheet = Sheet(entries=(card("m", prompt, completion, r, w),))
    usage = Usage(plain + read + write, out, cache_read_input_tokens=read, cache_write_input_tokens=write)
    cost = price(call(usage=usage), sheet)
    assert reduce(EXACT.add, (i.amount for i in cost.line_items), D(0)) == (cost.amount or 0)
    assert sum(i.quantity for i in cost.line_items) == plain + read + write + out


def test_a_compiled_sheet_is_named_by_its_content(tmp_path: Path) -> None:
    assert Sheet(entries=SHEET.entries).sheet_id == SHEET.sheet_id != Sheet().sheet_id
    path = tmp_path / "pricing.json"
    path.write_bytes(SHEET.encoded)
    assert read_sheet(path) == SHEET
    assert read_sheet(path).sheet_id == SHEET.sheet_id
