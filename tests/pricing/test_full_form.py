"""The full form of a price sheet, case by case, with the arithmetic written out."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from taximeter.events import CallEvent
from taximeter.pricing.cost import Cost
from taximeter.pricing.load import load_sheet
from taximeter.pricing.price import price
from taximeter.pricing.sheet import Sheet, decode_sheet
from taximeter.usage import Usage, counts

D = Decimal
MARCH = 1_772_323_200.0  # 2026-03-01T00:00:00Z


@pytest.fixture
def sheet(tmp_path: Path) -> Any:
    def write(models: str, top: str = "") -> Sheet:
        path = tmp_path / "prices.yaml"
        path.write_text(f"version: 1\n{top}\nmodels:\n{models}\n")
        return decode_sheet(load_sheet(path).encoded)  # what a report reads back years later

    return write


def cost(sheet: Sheet, model: str, usage: Usage | None = None, at: float = MARCH, **fields: Any) -> Cost:
    found = CallEvent(event_id=("p", 0), model=model, usage=usage or Usage(1_000_000, 0), started_at=at, **fields)
    return price(found, sheet)


CLAUDE = (
    '- {provider: anthropic, model: "claude-x-*", input: 3, cache_read: 0.30, cache_write: {5m: 3.75, 1h: 6},'
    " output: 15, per: 1M, valid_from: 2025-03-01}"
)


def test_two_invoices_of_one_prompt_that_is_cached_and_read_back(sheet: Any) -> None:
    rates = sheet(CLAUDE)
    written = Usage(12_307, 550, cache_write_input_tokens=12_304, cache_write_by_ttl=counts({"5m": 12_304}))
    # 3 x $3 + 12,304 x $3.75 + 550 x $15, per million
    assert cost(rates, "claude-x-1", written).amount == D("0.054399")
    # 3 x $3 + 12,304 x $0.30 + 550 x $15, per million
    assert cost(rates, "claude-x-1", Usage(12_307, 550, 12_304)).amount == D("0.0119502")


def test_each_time_to_live_has_its_rate_and_an_untold_one_is_the_shortest_as_an_estimate(sheet: Any) -> None:
    rates = sheet(CLAUDE)
    mixed = Usage(300, 0, None, 300, cache_write_by_ttl=counts({"5m": 100, "1h": 200}))
    # 100 x 3.75 + 200 x 6, per million
    assert cost(rates, "claude-x-1", mixed).amount == D("0.001575")
    untold = cost(rates, "claude-x-1", Usage(300, 0, None, 300))
    assert (untold.amount, untold.status) == (D("0.001125"), "estimated")
    other = cost(rates, "claude-x-1", Usage(300, 1, None, 300, cache_write_by_ttl=counts({"12h": 300})))
    assert (other.status, other.unpriced_units) == ("partial", ("cache_write_12h_input_tokens",))


@pytest.mark.parametrize(
    ("mode", "amount"),
    [
        ("cliff", "1.6"),  # 800,000 x 2
        ("marginal", "1.1"),  # 500,000 x 1 + 300,000 x 2
    ],
)
def test_tiers_charge_all_or_only_what_is_beyond(sheet: Any, mode: str, amount: str) -> None:
    tiers = f"{{threshold_on: input_tokens, mode: {mode}, steps: [{{above: 500000, input: 2}}]}}"
    rates = sheet(f"- {{model: m, input: 1, per: 1M, tiers: {tiers}}}")
    assert cost(rates, "m", Usage(500_000, 0)).amount == D("0.5")
    assert cost(rates, "m", Usage(800_000, 0)).amount == D(amount)


def test_a_variant_multiplies_or_replaces_and_an_unknown_kind_is_partial_with_the_reason(sheet: Any) -> None:
    variants = "[{when: {processing: batch}, multiply: 0.5}, {when: {service_tier: flex}, input: 1.5}]"
    rates = sheet(f"- {{model: m, input: 2, per: 1M, variants: {variants}}}")
    assert cost(rates, "m", processing="batch").amount == D(1)
    assert cost(rates, "m", service_tier="flex").amount == D("1.5")
    assert cost(rates, "m", service_tier="flex", processing="batch").amount == D("0.75")
    unknown = cost(rates, "m", service_tier="priority")
    assert (unknown.amount, unknown.status) == (D(2), "partial")
    assert unknown.reason == "no rates for service_tier priority: standard rates"
    assert cost(rates, "m", service_tier="default").status == "priced"


def test_regions_and_hours_of_the_day_have_rates_of_their_own(sheet: Any) -> None:
    variants = "[{when: {region: EU}, multiply: 1.1}, {when: {hours: '16:30-00:30'}, input: 1}]"
    rates = sheet(f"- {{model: m, input: 2, per: 1M, variants: {variants}}}")
    half_past_four, half_past_midnight = MARCH + 16.5 * 3600, MARCH + 1800
    assert cost(rates, "m", region="eu").amount == D("1.1")  # 1 x 1.1: it is midnight
    assert cost(rates, "m", region="eu", at=half_past_midnight).amount == D("2.2")
    assert cost(rates, "m", at=half_past_midnight - 1).amount == D(1)
    assert cost(rates, "m", at=half_past_midnight).amount == D(2)
    assert cost(rates, "m", at=half_past_four - 1).amount == D(2)
    assert cost(rates, "m", at=half_past_four).amount == D(1)
    elsewhere = cost(rates, "m", region="us", at=half_past_midnight)
    assert (elsewhere.amount, elsewhere.status) == (D(2), "partial")


def test_an_entry_for_a_region_is_for_no_other(sheet: Any) -> None:
    rates = sheet("- {model: m, region: eu, input: 2, per: 1M}\n- {model: m, region: us, input: 1, per: 1M}")
    assert (cost(rates, "m", region="EU").amount, cost(rates, "m", region="us").amount) == (D(2), D(1))
    assert cost(rates, "m", region="asia").status == cost(rates, "m").status == "unpriced"


def test_layers_and_exchange_are_in_the_rate_and_named(sheet: Any) -> None:
    rates = sheet(
        "- {model: m, input: 10, per: 1M, currency: EUR}",
        "fx: {EUR: {rate: 1.1, date: 2026-02-27}}\nlayers: [{name: contract, discount: 0.2},"
        " {name: fee, markup: 0.05}]",
    )
    found = cost(rates, "m")
    # EUR 10 x 1.1 x 0.8 x 1.05
    assert found.amount == D("9.24")
    assert found.line_items[0].rule == "10 x 1.1 (EUR of 2026-02-27), x 0.8 (contract), x 1.05 (fee)"


def test_an_entry_holds_from_its_first_second_up_to_its_end(sheet: Any) -> None:
    rates = sheet(
        "- {model: m, input: 1, per: 1M, valid_to: 2026-03-01}\n- {model: m, input: 2, per: 1M, valid_from: 2026-03-01}"
    )
    assert cost(rates, "m", at=MARCH - 0.001).amount == D(1)
    assert cost(rates, "m", at=MARCH).amount == D(2)
    undated = price(CallEvent(event_id=("p", 0), model="m", usage=Usage(1_000_000, 0)), rates)
    assert (undated.amount, undated.status) == (D(2), "estimated")


def test_reasoning_modalities_and_counters_have_rates_of_their_own(sheet: Any) -> None:
    counters = "{web_searches: {price: 10, per: 1k}, requests: 0.001}"
    rates = sheet(f"- {{model: m, input: 1, audio_input: 5, output: 2, reasoning: 4, per: 1M, counters: {counters}}}")
    usage = Usage(1000, 500, reasoning_output_tokens=100, audio_input_tokens=300, counters=counts({"web_searches": 2}))
    # 700 x 1 + 300 x 5 + 400 x 2 + 100 x 4, per million; 2 x 10 / 1000; 1 request
    assert cost(rates, "m", usage).amount == D("0.0034") + D("0.02") + D("0.001")
    maps = cost(rates, "m", Usage(1000, 0, counters=counts({"maps": 1})))
    assert (maps.status, maps.unpriced_units) == ("partial", ("maps",))


@pytest.mark.parametrize(
    ("how", "model"),
    [
        ("prefix: big-", "big-2"),
        ("regex: 'v[0-9]+'", "V12"),
        ("fine_tuned: gpt-4o-mini", "ft:gpt-4o-mini-2024-07-18:org::x1"),
        ("aliases: [my-deployment]", "my-deployment"),
        ('path: "qwen-*.gguf"', "/models/qwen-3-8b.gguf"),
        ('model: "a?c"', "abc"),
    ],
)
def test_the_ways_to_name_a_model(sheet: Any, how: str, model: str) -> None:
    rates = sheet(f"- {{{how}, input: 1, per: 1M}}")
    assert cost(rates, model).amount == D(1)
    assert cost(rates, f"not/{model}x").status == "unpriced"


def test_a_sheet_is_asked_before_what_it_extends_and_its_default_last(sheet: Any, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("models: {m: {prompt_per_1k: 0.009}, n: {prompt_per_1k: 0.002}}\n")
    rates = sheet("- {model: m, input: 1, per: 1M}", "extends: base.yaml\ndefault: {input: 7, per: 1M}")
    assert cost(rates, "m").amount == D(1)
    assert (cost(rates, "n").amount, cost(rates, "n").source) == (D(2), "base.yaml")
    assert (cost(rates, "o").amount, cost(rates, "o").status) == (D(7), "estimated")


def test_a_user_s_sheet_knows_the_world_only_if_it_says_so(sheet: Any) -> None:
    assert cost(sheet("- {model: m, free: true}"), "gpt-4o").status == "unpriced"
    world = sheet("- {model: m, free: true}", "extends: genai-prices")
    # 1,000,000 x 2.5 per million
    assert cost(world, "gpt-4o").amount == D("2.5")
    assert cost(world, "gpt-4o", provider="my-own-server").status == "unpriced"


def test_what_genai_prices_passes_over_in_silence_is_said(sheet: Any) -> None:
    world = sheet("- {model: m, free: true}", "extends: genai-prices")
    batch = cost(world, "claude-2", provider="anthropic", processing="batch")
    assert (batch.amount, batch.status) == (D(8), "partial")  # 1,000,000 x 8 per million, as of any other request
    assert batch.reason == "no rates for processing batch: standard rates"
    searched = cost(world, "claude-2", Usage(1000, 0, counters=counts({"web_searches": 3})), provider="anthropic")
    assert (searched.amount, searched.status, searched.unpriced_units) == (D("0.008"), "partial", ("web_searches",))
    without_rates = cost(world, "mai-ds-r1:free", provider="azure")
    assert (without_rates.amount, without_rates.status) == (None, "unpriced")
