"""The built-in price sheet: every figure has a source and a day, and is written as it is meant."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

SHEET = Path(__file__).parents[1] / "configs" / "pricing.default.yaml"
RATES = {"prompt_per_1k", "completion_per_1k", "cache_read_per_1k", "cache_write_per_1k"}
PROVIDERS = {
    "https://developers.openai.com/api/docs/pricing": ("gpt-", "o", "text-embedding-"),
    "https://platform.claude.com/docs/en/about-claude/pricing": ("claude-",),
    "https://ai.google.dev/gemini-api/docs/pricing": ("gemini-",),
}

CONTENT = yaml.load(SHEET.read_text(), Loader=yaml.BaseLoader)  # every scalar stays the text that stands there
MODELS: dict[str, dict[str, str]] = CONTENT["models"]
every_model = pytest.mark.parametrize("name", MODELS)


def test_the_sheet_says_when_it_was_changed_and_in_what_money() -> None:
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", CONTENT["updated_at"])
    assert CONTENT["currency"] == "USD"
    assert set(CONTENT) == {"updated_at", "currency", "models"}


def test_it_covers_chat_and_embedding_models_of_the_three_providers() -> None:
    for source, prefixes in PROVIDERS.items():
        of_provider = [name for name in MODELS if MODELS[name]["source"] == source]
        assert len(of_provider) >= 10
        assert all(name.startswith(prefixes) for name in of_provider)
    assert {"text-embedding-3-small", "gemini-embedding-001"} <= {n for n in MODELS if "embedding" in n}


@every_model
def test_each_model_has_rates_a_source_and_a_day(name: str) -> None:
    card = MODELS[name]
    assert set(card) - RATES == {"source", "as_of"}
    assert card["source"] in PROVIDERS
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", card["as_of"])
    assert card["as_of"] <= CONTENT["updated_at"]


@every_model
def test_each_rate_is_a_plain_decimal_that_is_more_than_nothing(name: str) -> None:
    for rate in MODELS[name].keys() & RATES:
        text = MODELS[name][rate]
        assert re.fullmatch(r"0\.\d{1,12}|[1-9]\d*(\.\d{1,12})?", text), rate
        assert Decimal(text) > 0, rate


@every_model
def test_the_rates_of_a_model_stand_in_a_sensible_order(name: str) -> None:
    rates = {rate: Decimal(MODELS[name][rate]) for rate in MODELS[name].keys() & RATES}
    if "embedding" in name:
        assert set(rates) == {"prompt_per_1k"}
        return
    assert rates["completion_per_1k"] >= rates["prompt_per_1k"]
    assert rates.get("cache_read_per_1k", Decimal(0)) < rates["prompt_per_1k"]
    assert rates.get("cache_write_per_1k", rates["prompt_per_1k"]) >= rates["prompt_per_1k"]


def test_no_model_is_listed_twice() -> None:
    names = re.findall(r"(?m)^  (\S+):$", SHEET.read_text())
    assert len(names) == len(set(names)) == len(MODELS)
