"""From the body of a response to its price, with the arithmetic written out: a case for each way of counting."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from taximeter.events import CallEvent
from taximeter.normalize.read import read
from taximeter.normalize.reading import Reading
from taximeter.pricing.cost import Cost
from taximeter.pricing.load import load_sheet
from taximeter.pricing.price import price
from taximeter.pricing.sheet import Sheet

D = Decimal
SHEET = """
version: 1
models:
- provider: openai
  model: gpt-x
  per: 1M
  input: 2
  cache_read: 0.5
  cache_write: {30m: 2.5, 12h: 5}
  output: 8
  counters: {web_searches: {price: 10, per: 1k}}
  variants: [{when: {processing: batch}, multiply: 0.5}, {when: {service_tier: flex}, input: 1, output: 4}]
- {provider: openai, model: image-x, per: 1M, text_input: 5, output: 40}
- provider: anthropic
  model: claude-x
  per: 1M
  input: 3
  cache_read: 0.30
  cache_write: {5m: 3.75, 1h: 6}
  output: 15
  counters: {web_searches: {price: 10, per: 1k}}
  variants:
  - {when: {processing: batch}, multiply: 0.5}
  - {when: {speed: fast}, multiply: 6}
  - {when: {inference_geo: us}, multiply: 1.1}
- {provider: anthropic, model: claude-small, per: 1M, input: 1, output: 5}
- {provider: google, model: gemini-x, per: 1M, input: 1, audio_input: 3, cache_read: 0.1, output: 10, reasoning: 12}
- {provider: mistral, model: mistral-x, per: 1M, input: 2, output: 6}
- {provider: cohere, model: command-x, per: 1M, input: 2, output: 10}
- {provider: aws, model: claude-on-aws, per: 1M, input: 4, cache_read: 0.4, output: 20}
"""


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Sheet:
    path: Path = tmp_path_factory.mktemp("sheet") / "prices.yaml"
    path.write_text(SHEET)
    return load_sheet(path)


def cost(reading: Reading, sheet: Sheet, model: str = "asked for") -> Cost:
    meta = {"speed": reading.speed, "inference_geo": reading.inference_geo}
    call = CallEvent(
        event_id=("p", 0),
        provider=reading.provider,
        model=reading.model or model,
        response_model=reading.response_model,
        usage=reading.usage,
        processing=reading.processing,
        service_tier=reading.service_tier,
        meta={name: value for name, value in meta.items() if value},
    )
    return price(call, sheet)


CHAT = {"object": "chat.completion", "model": "gpt-x", "choices": []}
CHAT_USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 500,
    "total_tokens": 1500,
    "prompt_tokens_details": {"cached_tokens": 600},
    "completion_tokens_details": {"reasoning_tokens": 300},
}
MESSAGE = {"type": "message", "model": "claude-x"}


@pytest.mark.parametrize(
    ("body", "amount"),
    [
        # 600 x 0.5 + 400 x 2 + 500 x 8 (thoughts among them), per million
        ({**CHAT, "usage": CHAT_USAGE}, "0.0051"),
        # 600 x 0.5 + 400 x 1 + 500 x 4, per million
        ({**CHAT, "service_tier": "flex", "usage": CHAT_USAGE}, "0.0027"),
        # half of the first one
        ({"custom_id": "1", "response": {"status_code": 200, "body": {**CHAT, "usage": CHAT_USAGE}}}, "0.00255"),
        # 100 x 2.5 + 200 x 5 + 700 x 2 + 50 x 8, per million; 3 x 10 / 1000
        (
            {
                "object": "response",
                "model": "gpt-x",
                "usage": {
                    "input_tokens": 1000,
                    "output_tokens": 50,
                    "total_tokens": 1050,
                    "input_tokens_details": {
                        "cache_write_tokens": 300,
                        "cache_write_tokens_details": {"ttl_30m_tokens": 100, "ttl_12h_tokens": 200},
                    },
                },
                "tool_usage": {"web_search": {"num_requests": 3}},
            },
            "0.03305",
        ),
        # 3 x 3 + 40 x 0.3 + 100 x 3.75 + 200 x 6 + 10 x 15, per million; 2 x 10 / 1000
        (
            {
                **MESSAGE,
                "usage": {
                    "input_tokens": 3,
                    "cache_read_input_tokens": 40,
                    "cache_creation_input_tokens": 300,
                    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
                    "output_tokens": 10,
                    "output_tokens_details": {"thinking_tokens": 5},
                    "server_tool_use": {"web_search_requests": 2},
                },
            },
            "0.021746",
        ),
        # (100 x 3 + 10 x 15) x 6, per million
        ({**MESSAGE, "usage": {"input_tokens": 100, "output_tokens": 10, "speed": "fast"}}, "0.0027"),
        # (100 x 3 + 10 x 15) x 1.1, per million
        ({**MESSAGE, "usage": {"input_tokens": 100, "output_tokens": 10, "inference_geo": "us"}}, "0.000495"),
        # (100 x 3 + 10 x 15) x 0.5, per million
        ({**MESSAGE, "usage": {"input_tokens": 100, "output_tokens": 10, "service_tier": "batch"}}, "0.000225"),
        # 300 x 0.1 + 200 x 3 (audio) + (1000 + 50 tools - 500) x 1 + 40 x 12 (thoughts) + 100 x 10, per million
        (
            {
                "modelVersion": "gemini-x",
                "usageMetadata": {
                    "promptTokenCount": 1000,
                    "cachedContentTokenCount": 300,
                    "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 300}],
                    "toolUsePromptTokenCount": 50,
                    "candidatesTokenCount": 100,
                    "thoughtsTokenCount": 40,
                    "totalTokenCount": 1190,
                    "promptTokensDetails": [
                        {"modality": "TEXT", "tokenCount": 800},
                        {"modality": "AUDIO", "tokenCount": 200},
                    ],
                },
            },
            "0.00266",
        ),
        # (10 + 90 connectors) x 2 + 5 x 6, per million
        (
            {
                "object": "conversation.response",
                "model": "mistral-x",
                "usage": {"prompt_tokens": 10, "completion_tokens": 5, "connector_tokens": 90, "total_tokens": 105},
            },
            "0.00023",
        ),
        # 5 x 2 + 8 x 10, per million: what is billed, not what the model saw
        (
            {
                "model": "command-x",
                "usage": {
                    "billed_units": {"input_tokens": 5, "output_tokens": 8},
                    "tokens": {"input_tokens": 71, "output_tokens": 8},
                },
            },
            "0.00009",
        ),
    ],
    ids=(
        *("chat", "flex", "batch", "responses", "messages", "speed", "geo", "message of a batch"),
        *("gemini", "mistral", "cohere"),
    ),
)
def test_a_response_and_what_it_costs(sheet: Sheet, body: Any, amount: str) -> None:
    (reading,) = read(body, "mistral" if "conversation.response" in str(body) else None)
    found = cost(reading, sheet)
    assert (found.amount, found.reason) == (D(amount), None)
    assert sum(item.amount for item in found.line_items) == found.amount


def test_a_response_does_not_say_the_model_of_bedrock(sheet: Sheet) -> None:
    usage = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 115, "cacheReadInputTokens": 100}
    (reading,) = read({"output": {}, "stopReason": "end_turn", "usage": usage})
    # 100 x 0.4 + 10 x 4 + 5 x 20, per million
    assert cost(reading, sheet, "claude-on-aws").amount == D("0.00018")


def test_each_turn_of_a_message_is_bought_from_its_own_model(sheet: Sheet) -> None:
    turns = [
        {"type": "message", "input_tokens": 100, "output_tokens": 10},
        {"type": "advisor_message", "model": "claude-small", "input_tokens": 100, "output_tokens": 20},
        {"type": "message", "input_tokens": 130, "output_tokens": 30},
    ]
    whole = {"input_tokens": 100, "output_tokens": 40, "iterations": turns}
    found = [cost(reading, sheet) for reading in read({**MESSAGE, "usage": whole})]
    # 100 x 3 + 10 x 15; 100 x 1 + 20 x 5; 130 x 3 + 30 x 15; per million
    assert [one.amount for one in found] == [D("0.00045"), D("0.0002"), D("0.00084")]


def test_drawn_images_are_bought_from_the_image_model(sheet: Sheet) -> None:
    body = {
        "object": "response",
        "model": "gpt-x",
        "usage": {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30},
        "tools": [{"type": "image_generation", "model": "image-x"}],
        "tool_usage": {
            "image_gen": {
                "input_tokens": 50,
                "output_tokens": 1000,
                "total_tokens": 1050,
                "input_tokens_details": {"text_tokens": 50, "image_tokens": 0},
            }
        },
    }
    # 10 x 2 + 20 x 8; 50 x 5 + 1000 x 40; per million
    assert [cost(reading, sheet).amount for reading in read(body)] == [D("0.00018"), D("0.04025")]
