"""GenAI attributes become calls and calls become attributes, in every spelling that is in use."""

from decimal import Decimal

import pytest

from taximeter.events import CallEvent
from taximeter.semconv import call_attributes, call_of, usage_of
from taximeter.usage import Usage, counts


@pytest.mark.parametrize(
    "call",
    [
        CallEvent(event_id=("p", 1), model="m", operation="chat", usage_source="missing"),
        CallEvent(
            event_id=("p", 1), run_id="r", session_id="s", stage_id="st", attempt=2, shard=0, kind="embedding",
            provider="p", endpoint="e", operation="embeddings", model="m", response_model="m-1", status="cut",
            usage=Usage(
                input_tokens=9, output_tokens=0, cache_read_input_tokens=1, cache_write_input_tokens=2,
                tool_use_input_tokens=3, reasoning_output_tokens=0, image_input_tokens=4,
                cache_write_by_ttl=counts({"5m": 2}), counters=counts({"web_searches": 3}),
            ),
            usage_source="tracker", cached=True, processing="batch", service_tier="flex", region="eu",
            response_id="i", request_id="q", tries=3, stream=True, ttft_ms=12.5,
            provider_cost=Decimal("0.000000000001"), captured_by="c", tags={"user": "u"},
        ),
    ],
)  # fmt: skip
def test_a_call_comes_back_as_it_was(call: CallEvent) -> None:
    assert call_of(call_attributes(call), ("p", 1)) == call


@pytest.mark.parametrize(
    "name",
    [
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
    ],
)
def test_each_spelling_of_a_cache_write_is_read(name: str) -> None:
    assert usage_of({name: 7}) == Usage(cache_write_input_tokens=7)


def test_older_names_are_read_and_the_current_one_wins() -> None:
    told = {"gen_ai.system": "openai", "gen_ai.request.model": "m", "gen_ai.usage.prompt_tokens": 5}
    call = call_of(told, ("p", 1))
    assert call is not None
    assert (call.provider, call.usage.input_tokens, call.usage_source) == ("openai", 5, "provider")
    assert usage_of({**told, "gen_ai.usage.input_tokens": 6}).input_tokens == 6


def test_a_span_without_a_model_is_no_call() -> None:
    assert call_of({"gen_ai.usage.input_tokens": 5, "http.request.method": "GET"}, ("p", 1)) is None


@pytest.mark.parametrize("value", [-1, True, 1.5, "5", 2**63, None])
def test_a_count_that_cannot_be_true_is_left_out(value: object) -> None:
    assert usage_of({"gen_ai.usage.input_tokens": value}) == Usage()
