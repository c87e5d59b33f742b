"""The built-in price sheet: each figure has a source and a day, and is what its provider says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from taximeter.events import CallEvent
from taximeter.pricing import genai
from taximeter.pricing.builtin import built_in
from taximeter.pricing.price import price
from taximeter.pricing.sheet import decode_sheet
from taximeter.usage import Usage

SHEET = Path(__file__).parents[1] / "configs" / "pricing.default.yaml"
SOURCES = {
    "openai": "https://developers.openai.com/api/docs/pricing",
    "anthropic": "https://platform.claude.com/docs/en/about-claude/pricing",
    "google": "https://ai.google.dev/gemini-api/docs/pricing",
}

CONTENT = yaml.load(SHEET.read_text(), Loader=yaml.BaseLoader)  # every scalar stays the text that stands there
ENTRIES: list[dict[str, Any]] = CONTENT["models"]
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def test_the_sheet_says_when_it_was_changed_and_in_what_money() -> None:
    assert DAY.fullmatch(CONTENT["updated_at"])
    assert (CONTENT["currency"], CONTENT["extends"]) == ("USD", "genai-prices")


@pytest.mark.parametrize("provider", SOURCES)
def test_it_covers_chat_and_embedding_models_of_the_three_providers(provider: str) -> None:
    names = {entry["model"] for entry in ENTRIES if entry["provider"] == provider}
    assert len(names) >= 10
    assert provider == "anthropic" or any("embedding" in name for name in names)


def test_each_entry_has_rates_a_source_and_a_day() -> None:
    for entry in ENTRIES:
        assert entry["source"] == SOURCES[entry["provider"]]
        assert DAY.fullmatch(entry["as_of"]) and entry["as_of"] <= CONTENT["updated_at"]
        assert float(entry["input"]) > 0
        assert float(entry.get("output", entry["input"])) >= float(entry["input"])
        assert float(entry.get("cache_read", 0)) < float(entry["input"])


def test_what_it_shortens_is_what_the_world_says() -> None:
    sheet, world = built_in(), decode_sheet(genai.compiled())
    kinds: list[dict[str, Any]] = [{}, {"processing": "batch"}, {"service_tier": "flex"}, {"meta": {"speed": "fast"}}]
    usages = [Usage(1000, 1000), Usage(400_000, 1000, 1000, 500, cache_write_by_ttl=(("1h", 100), ("5m", 400)))]
    for entry in ENTRIES:
        for kind in kinds:
            for usage in usages:
                for at in (1.79e9, 1.81e9):
                    call = CallEvent(
                        event_id=("p", 0),
                        model=entry["model"],
                        provider=entry["provider"],
                        usage=usage,
                        started_at=at,
                        **kind,
                    )
                    ours, theirs = price(call, sheet), price(call, world)
                    assert (ours.amount, ours.status) == (theirs.amount, theirs.status), (entry["model"], kind, at)
