"""Mistral, Cohere, Bedrock and LiteLLM."""

from typing import Any

import pytest

from taximeter.normalize.read import read
from taximeter.usage import Usage

CHAT = {"id": "c", "object": "chat.completion", "model": "m", "choices": []}


def test_what_connectors_of_mistral_gave_is_input_beside_the_prompt() -> None:
    (reading,) = read(
        {
            "conversation_id": "conv",
            "object": "conversation.response",
            "usage": {
                "prompt_tokens": 188,
                "completion_tokens": 55,
                "connector_tokens": 7_112,
                "total_tokens": 7_355,  # 188 + 55 + 7,112
                "connectors": {"web_search": 1},
            },
        }
    )
    assert reading.usage == Usage(7_300, 55, tool_use_input_tokens=7_112, counters=(("web_searches", 1),))
    assert (reading.provider, reading.response_id, reading.inconsistent) == ("mistral", "conv", ())


def test_a_chat_of_mistral_tells_its_tier_and_seconds_of_audio() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10, "prompt_audio_seconds": 203}
    (reading,) = read({**CHAT, "usage": {**usage, "service_tier": "priority"}}, "mistral")
    assert (reading.usage, reading.service_tier) == (Usage(9, 1, counters=(("input_audio_seconds", 203),)), "priority")


def test_pages_of_mistral_are_billed_by_the_piece() -> None:
    (reading,) = read(
        {"model": "ocr", "pages": [], "usage_info": {"pages_processed": 29, "doc_size_bytes": 7}}, "mistral"
    )
    assert (reading.usage, reading.operation) == (Usage(counters=(("input_document_pages", 29),)), "ocr")
    assert reading.usage_raw == {"doc_size_bytes": 7}


CONVERSE = {
    "ResponseMetadata": {"RequestId": "req", "HTTPStatusCode": 200},
    "output": {"message": {"role": "assistant", "content": [{"text": "so"}]}},
    "stopReason": "end_turn",
    "metrics": {"latencyMs": 700},
    "serviceTier": {"type": "flex"},
}


def test_converse_of_bedrock_tells_what_was_cached_beside_its_input() -> None:
    details = [{"ttl": "1h", "inputTokens": 200}, {"ttl": "5m", "inputTokens": 100}]
    usage = {
        "inputTokens": 12,
        "outputTokens": 50,
        "totalTokens": 1_862,  # 12 + 1,500 + 300 + 50
        "cacheReadInputTokens": 1_500,
        "cacheWriteInputTokens": 300,
        "cacheDetails": details,
    }
    (reading,) = read({**CONVERSE, "usage": usage})
    assert reading.usage == Usage(
        1_812,
        50,
        cache_read_input_tokens=1_500,
        cache_write_input_tokens=300,
        cache_write_by_ttl=(("1h", 200), ("5m", 100)),
    )
    assert (reading.provider, reading.operation, reading.response_model) == ("aws", "chat", None)
    assert (reading.response_id, reading.service_tier) == ("req", "flex")
    assert (reading.usage_raw, reading.inconsistent) == ({}, ())


@pytest.mark.parametrize(("told", "fits"), [(62, True), (1_562, True), (1_500, False)])
def test_the_total_of_converse_may_leave_out_what_was_cached(told: int, fits: bool) -> None:
    usage = {"inputTokens": 12, "outputTokens": 50, "totalTokens": told, "cacheReadInputTokens": 1_500}
    (reading,) = read({**CONVERSE, "usage": usage})
    assert (reading.usage.input_tokens, not reading.inconsistent) == (1_512, fits)


def test_an_answer_of_a_batch_on_bedrock_names_what_was_cached_otherwise() -> None:
    (reading,) = read({"usage": {"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokenCount": 4, "new": 8}})
    assert (reading.usage, reading.usage_raw) == (Usage(5, 2, cache_read_input_tokens=4), {"new": 8})


def test_cohere_counts_what_it_bills() -> None:
    (reading,) = read(
        {
            "id": "c",
            "finish_reason": "COMPLETE",
            "message": {},
            "usage": {
                "billed_units": {"input_tokens": 5.0, "output_tokens": 418.0},
                "tokens": {"input_tokens": 71.0, "output_tokens": 418.0},
            },
        }
    )
    assert (reading.usage, reading.provider, reading.operation) == (Usage(5, 418), "cohere", "chat")
    assert reading.usage_raw == {"tokens": {"input_tokens": 71.0, "output_tokens": 418.0}}


@pytest.mark.parametrize(
    ("body", "operation", "usage"),
    [
        (
            {"results": [], "meta": {"billed_units": {"search_units": 1}}},
            "rerank",
            Usage(counters=(("rerank_searches", 1),)),
        ),
        ({"embeddings": {}, "meta": {"billed_units": {"input_tokens": 6}}}, "embeddings", Usage(6)),
        (
            {"embeddings": {}, "meta": {"billed_units": {"input_tokens": 9, "image_tokens": 7, "images": 1}}},
            "embeddings",
            Usage(9, image_input_tokens=7, counters=(("images", 1),)),
        ),
    ],
)
def test_other_apis_of_cohere(body: dict[str, Any], operation: str, usage: Usage) -> None:
    (reading,) = read(body)
    assert (reading.operation, reading.usage) == (operation, usage)


def test_litellm_includes_the_cache_of_anthropic_in_the_prompt() -> None:
    (reading,) = read(
        {
            **CHAT,
            "usage": {
                "prompt_tokens": 1_010,  # 10 fresh + 400 read + 600 written
                "completion_tokens": 5,
                "total_tokens": 1_015,
                "cache_read_input_tokens": 400,
                "cache_creation_input_tokens": 600,
                "prompt_tokens_details": {
                    "cached_tokens": 400,
                    "cache_creation_tokens": 600,
                    "cache_creation_token_details": {
                        "ephemeral_5m_input_tokens": 500,
                        "ephemeral_1h_input_tokens": 100,
                    },
                },
                "server_tool_use": {"web_search_requests": 3},
            },
        },
        "litellm",
    )
    assert reading.usage == Usage(
        1_010,
        5,
        cache_read_input_tokens=400,
        cache_write_input_tokens=600,
        cache_write_by_ttl=(("1h", 100), ("5m", 500)),
        counters=(("web_searches", 3),),
    )
    assert (reading.provider, reading.inconsistent) == (None, ())
