"""A proxy that may spend only so much."""

import json
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai

from tests.proxy.conftest import Start
from tests.proxy.upstream import Provider

PROMPT: Any = [{"role": "user", "content": "hello?"}]


def test_the_call_that_would_be_too_much_is_answered_with_429_and_not_sent(start: Start, upstream: Provider) -> None:
    proxy = start("--budget", "calls=2")
    sdk = openai.OpenAI(base_url=proxy.url("openai") + "/v1", api_key="sk-x")
    for _ in range(2):
        sdk.chat.completions.create(model="gpt-5", messages=PROMPT)
    sent = len(upstream.requests)
    with pytest.raises(openai.RateLimitError, match=r"the budget is used up: 2 of 2 \(100 %\); no more calls are made"):
        sdk.chat.completions.create(model="gpt-5", messages=PROMPT)
    with pytest.raises(anthropic.RateLimitError, match="the budget is used up"):
        anthropic.Anthropic(base_url=proxy.url("anthropic"), api_key="x").messages.create(
            model="claude-x", max_tokens=9, messages=PROMPT
        )
    google = genai.Client(api_key="AIza", http_options={"base_url": proxy.url("gemini")})
    with pytest.raises(genai.errors.ClientError, match="429 RESOURCE_EXHAUSTED"):
        google.models.generate_content(model="gemini-x", contents="hello?")
    google.close()
    assert len(upstream.requests) == sent  # nor did an SDK ask again
    assert len(proxy.calls()) == 2


def test_what_buys_nothing_is_not_refused(start: Start, upstream: Provider) -> None:
    proxy = start("--budget", "calls=1")
    sdk = openai.OpenAI(base_url=proxy.url("openai") + "/v1", api_key="sk-x", max_retries=0)
    sdk.chat.completions.create(model="gpt-5", messages=PROMPT)
    sent = len(upstream.requests)
    httpx.get(proxy.url("openai") + "/v1/models")
    assert len(upstream.requests) == sent + 1


def test_money_is_counted_by_the_sheet(start: Start, tmp_path: Any) -> None:
    card = tmp_path / "prices.yaml"
    card.write_text("models: {}\ndefault: {prompt_per_1k: 1, completion_per_1k: 1}\n")
    proxy = start("--budget", "0.000001", "--price-table", str(card))
    url, body = proxy.url("openai") + "/v1/chat/completions", {"model": "gpt-5", "messages": PROMPT}
    assert httpx.post(url, json=body).status_code == 200
    refused = httpx.post(url, json=body)
    assert refused.status_code == 429
    assert refused.headers["x-should-retry"] == "false"
    message = json.loads(refused.content)["error"]["message"]
    assert message.startswith("taximeter proxy: the budget is used up: $0.0")
