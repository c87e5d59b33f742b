"""What Gemini says of a call: four counts that do not overlap."""

from typing import Any

import pytest

from taximeter.normalize.read import read
from taximeter.normalize.reading import Reading
from taximeter.usage import Usage


def response(usage: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {"responseId": "g1", "modelVersion": "gemini-3-pro", "candidates": [], "usageMetadata": usage, **more}


def test_input_is_prompt_and_tools_and_output_is_candidates_and_thoughts() -> None:
    (reading,) = read(
        response(
            {
                "promptTokenCount": 1_000,  # 300 of it cached
                "cachedContentTokenCount": 300,
                "toolUsePromptTokenCount": 50,
                "candidatesTokenCount": 120,
                "thoughtsTokenCount": 400,
                "totalTokenCount": 1_570,  # 1,000 + 50 + 120 + 400
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 600},
                    {"modality": "IMAGE", "tokenCount": 258},
                    {"modality": "DOCUMENT", "tokenCount": 142},
                ],
                "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 50}],
                "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 300}],
                "candidatesTokensDetails": [{"modality": "MODALITY_UNSPECIFIED", "tokenCount": 120}],
            }
        )
    )
    assert reading == Reading(
        usage=Usage(
            1_050,
            520,
            cache_read_input_tokens=300,
            tool_use_input_tokens=50,
            reasoning_output_tokens=400,
            text_input_tokens=650,  # 600 + 50 of tools
            image_input_tokens=258,
            text_output_tokens=120,
            text_cache_read_input_tokens=300,
        ),
        provider="google",
        operation="generate_content",
        response_model="gemini-3-pro",
        response_id="g1",
        usage_raw={"document_input_tokens": 142},
    )


def test_a_sum_that_does_not_hold_is_kept_and_named() -> None:
    (reading,) = read(response({"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 8}))
    assert reading.usage == Usage(5, 2)
    assert reading.inconsistent == ("totalTokenCount 8 != prompt + tools + candidates + thoughts 7",)


@pytest.mark.parametrize(
    ("traffic", "tier"),
    [("ON_DEMAND", "standard"), ("ON_DEMAND_FLEX", "flex"), ("PROVISIONED_THROUGHPUT", "provisioned"), ("NEW", "NEW")],
)
def test_the_traffic_type_of_vertex_is_a_tier(traffic: str, tier: str) -> None:
    (reading,) = read(response({"promptTokenCount": 5, "trafficType": traffic}))
    assert reading.service_tier == tier


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        ({"embeddings": [{"values": []}], "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}}, Usage(9)),
        (
            {"embeddings": [{"values": [], "statistics": {"tokenCount": 4.0}}, {"statistics": {"tokenCount": 3}}]},
            Usage(7),
        ),
        (
            {
                "predictions": [{"embeddings": {"statistics": {"token_count": 6, "truncated": False}, "values": []}}],
                "metadata": {"billableCharacterCount": 25},
            },
            Usage(6, counters=(("input_characters", 25),)),
        ),
        ({"embeddings": [{"values": []}]}, Usage()),
    ],
)
def test_embeddings_of_both_apis(body: dict[str, Any], usage: Usage) -> None:
    (reading,) = read(body)
    assert (reading.usage, reading.operation) == (usage, "embeddings")


def test_a_line_of_a_batch() -> None:
    (reading,) = read({"key": "q", "response": response({"promptTokenCount": 5, "candidatesTokenCount": 1})})
    assert (reading.usage, reading.processing) == (Usage(5, 1), "batch")
