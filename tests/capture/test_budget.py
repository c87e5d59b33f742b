"""Captured calls ask the budget before they are sent."""

import asyncio
from pathlib import Path

import openai
import pytest

import taximeter
from tests.capture.conftest import CARD
from tests.capture.server import Server


def test_the_call_that_would_be_too_much_is_not_sent(server: Server, tmp_path: Path) -> None:
    card = tmp_path / "prices.yaml"
    card.write_text(CARD)
    taximeter.instrument()
    taximeter.enable(sink="memory:", rate_card_path=card, budget="calls=2")
    ask = {"model": "m", "messages": [{"role": "user", "content": "what?"}]}

    async def ask_again() -> None:
        async with openai.AsyncOpenAI(api_key="k", base_url=f"{server.url}/v1") as sdk:
            await sdk.chat.completions.create(**ask)

    try:
        sdk = openai.OpenAI(api_key="k", base_url=f"{server.url}/v1")
        for _ in range(2):
            sdk.chat.completions.create(**ask)
        with pytest.raises(taximeter.BudgetExceeded):
            sdk.chat.completions.create(**ask)
        with pytest.raises(taximeter.BudgetExceeded):
            asyncio.run(ask_again())
    finally:
        taximeter.disable()
    assert len(server.seen) == 2
