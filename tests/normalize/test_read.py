"""Any response, told apart by its shape; and figures that cannot be true."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.normalize.read import read
from taximeter.normalize.reading import Reading, RejectedUsageError, UsageError
from taximeter.normalize.stream import StreamReader
from taximeter.usage import Usage, is_consistent

N = st.integers(0, 2**40)
WRONG = [-1, True, False, 1.5, math.nan, math.inf, 2**63, 10**400, "5", [5], {"n": 5}]


@pytest.mark.parametrize("wrong", WRONG, ids=[f"{value!s:.20}" for value in WRONG])
@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"choices": [], "usage": {"prompt_tokens": "?"}}, "prompt_tokens"),
        ({"choices": [], "usage": {"prompt_tokens_details": {"cached_tokens": "?"}}}, "cached_tokens"),
        ({"choices": [], "usage": {"total_tokens": "?"}}, "total_tokens"),
        ({"object": "response", "usage": {"output_tokens": "?"}}, "output_tokens"),
        ({"type": "message", "usage": {"cache_read_input_tokens": "?"}}, "cache_read_input_tokens"),
        (
            {"type": "message", "usage": {"cache_creation": {"ephemeral_5m_input_tokens": "?"}}},
            "ephemeral_5m_input_tokens",
        ),
        ({"usageMetadata": {"thoughtsTokenCount": "?"}}, "thoughtsTokenCount"),
        ({"usage": {"inputTokens": "?"}}, "inputTokens"),
        ({"usage": {"inputTokens": 1, "cacheDetails": [{"ttl": "5m", "inputTokens": "?"}]}}, "inputTokens"),
        ({"usageMetadata": {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": "?"}]}}, "tokenCount"),
        ({"meta": {"billed_units": {"search_units": "?"}}}, "search_units"),
        ({"object": "list", "usage": {"prompt_tokens": "?"}}, "prompt_tokens"),
    ],
)
def test_a_figure_that_cannot_be_true_is_refused_with_the_reason(body: dict[str, Any], name: str, wrong: Any) -> None:
    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: put(item) for key, item in value.items()}
        return wrong if value == "?" else [put(item) for item in value] if isinstance(value, list) else value

    with pytest.raises(RejectedUsageError, match=rf"^{name} must be a whole number from 0 to 2\*\*63 - 1, not "):
        read(put(body))


@pytest.mark.parametrize("wrong", [-1, True, math.nan, "free"])
def test_a_cost_that_cannot_be_true_is_refused(wrong: Any) -> None:
    with pytest.raises(RejectedUsageError, match="cost must be an amount of money"):
        read({"choices": [], "usage": {"prompt_tokens": 1, "cost": wrong}})


def test_parts_that_fit_and_whose_sum_does_not_are_refused() -> None:
    with pytest.raises(RejectedUsageError, match="input_tokens must be at most"):
        read({"type": "message", "usage": {"input_tokens": 2**62, "cache_read_input_tokens": 2**62}})


@pytest.mark.parametrize("body", [{}, {"a": 1}, None, 7, "text", [], object(), {"usage": {"sum": 5}}])
def test_what_is_no_response_is_told(body: Any) -> None:
    with pytest.raises(UsageError, match="no response of a known provider looks like this"):
        read(body)


def test_an_error_of_an_api_is_a_failed_call_that_used_nothing() -> None:
    assert read({"error": {"message": "no", "type": "invalid_request_error"}}) == (Reading(status="failed"),)
    assert read({"type": "error", "error": {"type": "overloaded_error"}}, "anthropic")[0].provider == "anthropic"


@pytest.mark.parametrize(
    ("bare", "usage"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 2}, Usage(5, 2)),
        ({"input_tokens": 5, "output_tokens": 2}, Usage(5, 2)),
        ({"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 3}, Usage(8, 2, cache_read_input_tokens=3)),
        (
            {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7, "input_tokens_details": {"cached_tokens": 3}},
            Usage(5, 2, cache_read_input_tokens=3),
        ),
        ({"promptTokenCount": 5, "thoughtsTokenCount": 2}, Usage(5, 2, reasoning_output_tokens=2)),
        ({"billed_units": {"input_tokens": 5}}, Usage(5)),
        ({"inputTokens": 5, "outputTokens": 2, "cacheWriteInputTokens": 3}, Usage(8, 2, cache_write_input_tokens=3)),
    ],
)
def test_a_usage_by_itself_is_read(bare: dict[str, Any], usage: Usage) -> None:
    assert read(bare)[0].usage == usage
    assert read(SimpleNamespace(**bare))[0].usage == usage


def test_a_reading_holds_nothing_of_the_response() -> None:
    details = {"cached_tokens": 1, "novel": {"a": [1]}}
    body = {"id": "c", "choices": [], "usage": {"prompt_tokens": 2, "prompt_tokens_details": details}}
    (before,) = read(body)
    details["novel"]["a"].append(2)  # type: ignore[index]
    assert before.usage_raw == {"prompt_tokens_details": {"novel": {"a": [1]}}}


@given(N, N, N, N, N)
def test_every_token_of_anthropic_is_in_exactly_one_bucket(
    fresh: int, read_: int, five: int, hour: int, out: int
) -> None:
    (reading,) = read(
        {
            "type": "message",
            "usage": {
                "input_tokens": fresh,
                "cache_read_input_tokens": read_,
                "cache_creation_input_tokens": five + hour,
                "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour},
                "output_tokens": out,
            },
        }
    )
    usage = reading.usage
    kept = sum(tokens for _, tokens in usage.cache_write_by_ttl)
    assert usage.input_tokens == fresh + (usage.cache_read_input_tokens or 0) + kept
    assert reading.inconsistent == ()


@given(N, N, N, N, N)
def test_every_token_of_gemini_is_in_exactly_one_total(
    fresh: int, cached: int, tools: int, said: int, thought: int
) -> None:
    (reading,) = read(
        {
            "usageMetadata": {
                "promptTokenCount": fresh + cached,
                "cachedContentTokenCount": cached,
                "toolUsePromptTokenCount": tools,
                "candidatesTokenCount": said,
                "thoughtsTokenCount": thought,
                "totalTokenCount": fresh + cached + tools + said + thought,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": fresh},
                    {"modality": "AUDIO", "tokenCount": cached},
                ],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": cached}],
            }
        }
    )
    usage = reading.usage
    assert (usage.input_tokens or 0) + (usage.output_tokens or 0) == fresh + cached + tools + said + thought
    assert reading.inconsistent == ()


MAYBE = st.none() | N


@given(MAYBE, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE)
def test_a_usage_is_flagged_exactly_if_its_counts_contradict_each_other(
    prompt: int | None,
    completion: int | None,
    told: int | None,
    cached: int | None,
    audio: int | None,
    thought: int | None,
) -> None:
    (reading,) = read(
        {
            "choices": [],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": told,
                "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": audio},
                "completion_tokens_details": {"reasoning_tokens": thought},
            },
        }
    )
    assert (reading.usage.input_tokens, reading.usage.output_tokens) == (prompt, completion)  # never mended
    parts = [part for part in (prompt, completion) if part is not None]
    adds_up = told is None or not parts or told == sum(parts)
    assert (reading.inconsistent == ()) == (adds_up and is_consistent(reading.usage))


LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
NAMES = st.sampled_from([
    "usage", "prompt_tokens", "input_tokens", "object", "type", "choices", "usageMetadata", "candidates", "meta",
    "billed_units", "prompt_tokens_details", "promptTokensDetails", "iterations", "response", "custom_id", "result",
    "tool_usage", "image_gen", "embeddings", "predictions", "model", "id", "cost", "error", "finish_reason", "delta",
])  # fmt: skip
KINDS = st.sampled_from(["message", "response", "list", "message_start", "response.completed", "message_delta"])
JUNK = LEAF | st.dictionaries(NAMES, LEAF, max_size=3) | st.lists(st.dictionaries(NAMES, LEAF, max_size=2), max_size=2)
BODIES = st.dictionaries(NAMES, KINDS | JUNK | st.dictionaries(NAMES, JUNK, max_size=3), max_size=5)


@given(BODIES)
def test_no_body_raises_anything_but_a_usage_error(body: dict[str, Any]) -> None:
    try:
        assert read(body)
    except UsageError as error:
        assert str(error)


@given(st.lists(BODIES, max_size=4))
def test_no_event_raises_anything_and_no_stream_anything_but_a_usage_error(events: list[dict[str, Any]]) -> None:
    reader = StreamReader()
    for event in events:
        assert reader.continues(event) in (True, False)
        reader.take(event)
    try:
        assert reader.readings()
    except UsageError as error:
        assert str(error)
