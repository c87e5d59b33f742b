"""What OpenAI, and everything that speaks as it does, says of a call."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from taximeter.normalize.read import read
from taximeter.normalize.reading import Reading
from taximeter.usage import Usage
from tests.normalize import bodies


def one(body: dict[str, Any], provider: str | None = None) -> Reading:
    (reading,) = read(body, provider)
    return reading


def chat(usage: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "object": "chat.completion", "model": "gpt-5-2025-08-07", "choices": [], "usage": usage, **more}


def test_a_chat_completion() -> None:
    assert one(bodies.CHAT) == Reading(
        usage=bodies.CHAT_USAGE,
        provider="openai",
        operation="chat",
        response_model="gpt-5",
        response_id="chatcmpl-1",
        service_tier="flex",
        usage_raw={"prompt_tokens_details": {"novel_tokens": 4}},
    )


def test_audio_is_a_subset_of_both_totals() -> None:
    usage = one(
        chat(
            {
                "prompt_tokens": 150,  # 100 text + 50 audio
                "completion_tokens": 80,  # 20 text + 60 audio
                "total_tokens": 230,
                "prompt_tokens_details": {"text_tokens": 100, "audio_tokens": 50, "cached_tokens": 0},
                "completion_tokens_details": {"text_tokens": 20, "audio_tokens": 60},
            }
        )
    ).usage
    assert (usage.text_input_tokens, usage.audio_input_tokens) == (100, 50)
    assert (usage.text_output_tokens, usage.audio_output_tokens) == (20, 60)


def test_a_response_with_cache_lifetimes_and_tools() -> None:
    own, drawn = read(
        {
            **bodies.RESPONSE,
            "tools": [{"type": "web_search"}, {"type": "image_generation", "model": "gpt-image-2"}],
            "tool_usage": {
                "web_search": {"num_requests": 2},
                "image_gen": {
                    "input_tokens": 60,
                    "input_tokens_details": {"text_tokens": 50, "image_tokens": 10},
                    "output_tokens": 1_056,
                    "output_tokens_details": {"image_tokens": 1_056, "text_tokens": 0},
                    "total_tokens": 1_116,
                },
            },
        }
    )
    assert own == Reading(
        usage=msgspec.structs.replace(bodies.RESPONSE_USAGE, counters=(("web_searches", 2),)),
        provider="openai",
        operation="chat",
        response_model="gpt-5.6",
        response_id="resp_1",
        service_tier="priority",
    )
    assert (drawn.model, drawn.operation, drawn.response_id) == ("gpt-image-2", "image_generation", "resp_1")
    assert (drawn.usage.input_tokens, drawn.usage.image_output_tokens) == (60, 1_056)


@pytest.mark.parametrize(
    ("status", "expected"), [("completed", "done"), ("incomplete", "done"), ("failed", "failed"), ("cancelled", "cut")]
)
def test_how_a_response_ended(status: str, expected: str) -> None:
    assert one({"object": "response", "status": status, "usage": None}).status == expected


def test_an_embedding_has_only_input() -> None:
    reading = one(
        {
            "object": "list",
            "model": "text-embedding-3-small",
            "data": [],
            "usage": {"prompt_tokens": 8, "total_tokens": 8},
        }
    )
    assert (reading.usage, reading.operation, reading.provider) == (Usage(8), "embeddings", "openai")


def test_a_line_of_a_batch_says_that_it_is_one() -> None:
    body = chat({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7})
    line = {"id": "b", "custom_id": "q1", "response": {"status_code": 200, "body": body}, "error": None}
    reading = one(line)
    assert (reading.usage, reading.processing, reading.response_id) == (Usage(5, 2), "batch", "c1")
    for failed in (
        {"custom_id": "q2", "response": None, "error": {"code": "batch_expired"}},
        {"custom_id": "q3", "response": {"status_code": 400, "body": {"error": {}}}, "error": None},
    ):
        assert one(failed) == Reading(status="failed", processing="batch")


def test_an_image_and_a_transcription_count_like_a_response() -> None:
    image = one({"created": 1, "data": [], "usage": {
        "input_tokens": 50, "output_tokens": 4_160, "total_tokens": 4_210,
        "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
    }})  # fmt: skip
    assert (image.usage.image_input_tokens, image.usage.output_tokens) == (40, 4_160)
    spoken = one({"text": "so", "usage": {
        "type": "tokens", "input_tokens": 14, "output_tokens": 45, "total_tokens": 59,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
    }})  # fmt: skip
    assert (spoken.usage.audio_input_tokens, spoken.inconsistent) == (14, ())


def test_a_realtime_response_tells_what_of_each_modality_was_cached() -> None:
    usage = one({"object": "realtime.response", "id": "r", "status": "completed", "usage": {
        "total_tokens": 253, "input_tokens": 132, "output_tokens": 121,  # 119 text (64 cached) + 13 audio
        "input_token_details": {
            "text_tokens": 119, "audio_tokens": 13, "cached_tokens": 64,
            "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0},
        },
        "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
    }}).usage  # fmt: skip
    assert (usage.cache_read_input_tokens, usage.text_cache_read_input_tokens) == (64, 64)
    assert (usage.text_output_tokens, usage.audio_output_tokens) == (30, 91)


def test_a_total_that_is_not_the_sum_is_kept_and_named() -> None:
    reading = one(chat({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 9}))
    assert reading.usage == Usage(5, 2)
    assert reading.inconsistent == ("total_tokens 9 != prompt_tokens + completion_tokens 7",)


def test_a_response_without_usage_has_none_and_not_0() -> None:
    assert one(chat(None)).usage == Usage()


def test_a_compatible_server_has_no_provider_but_the_one_it_is_given() -> None:
    body = chat({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}, model="gpt-oss-20b")
    assert (one(body).provider, one(body, "groq").provider) == (None, "groq")


def test_what_nobody_here_knows_is_kept_bounded() -> None:
    usage = {
        "prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "queue_time": 0.5, "nothing": 0,
        "prompt_tokens_details": {"cached_tokens": 1, "novel_tokens": 3}, "long": "x" * 9_999, "deep": [[[[[[1]]]]]],
    }  # fmt: skip
    raw = one(chat(usage)).usage_raw
    assert raw.pop("long") == "x" * 200
    assert raw == {"queue_time": 0.5, "prompt_tokens_details": {"novel_tokens": 3}, "deep": [[[["…"]]]]}


@pytest.mark.parametrize(
    ("given", "cost"),
    [
        ({"cost": 0.00014}, Decimal("0.00014")),  # OpenRouter
        ({"cost": 0.00014, "is_byok": True}, None),  # only its fee
        ({"cost": {"input_tokens_cost": 0.1, "total_cost": 0.3}}, Decimal("0.3")),  # Perplexity
        ({"cost_in_usd_ticks": 232_856_000}, Decimal("0.0232856")),  # xAI: 232,856,000 / 10^10
        ({}, None),
    ],
)
def test_what_a_provider_says_it_billed(given: dict[str, Any], cost: Decimal | None) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    assert one(chat(usage | given)).provider_cost == cost


def test_deepseek_names_its_cache_otherwise() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "prompt_cache_hit_tokens": 3, "prompt_cache_miss_tokens": 2}
    assert one(chat(usage, model="deepseek-chat")).usage == Usage(5, 2, cache_read_input_tokens=3)


def test_of_two_names_for_one_count_the_first_counts_and_the_other_is_kept() -> None:
    usage = {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3}, "prompt_cache_hit_tokens": 4}
    reading = one(chat(usage))
    assert (reading.usage.cache_read_input_tokens, reading.usage_raw) == (3, {"prompt_cache_hit_tokens": 4})


def test_xai_counts_reasoning_beside_the_completion() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "total_tokens": 44,  # 10 + 4 + 30
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    reading = one(chat(usage, model="grok-4"))
    assert (reading.usage, reading.inconsistent) == (Usage(10, 34, reasoning_output_tokens=30), ())
    assert one(chat(usage, model="another")).inconsistent
