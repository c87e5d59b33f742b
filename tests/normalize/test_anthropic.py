"""What Anthropic says of a call: its input tokens are only the fresh ones."""

from typing import Any

from taximeter.normalize.read import read
from taximeter.normalize.reading import Reading
from taximeter.usage import Usage
from tests.normalize import bodies


def message(usage: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "m1", "type": "message", "model": "claude-x", "usage": usage, **more}


def test_input_is_fresh_and_read_and_written() -> None:
    (reading,) = read(bodies.MESSAGE)
    assert reading == Reading(
        usage=bodies.MESSAGE_USAGE,
        provider="anthropic",
        operation="chat",
        response_model="claude-x",
        response_id="msg_1",
        service_tier="standard",
        speed="fast",
        inference_geo="us",
        usage_raw={"novel": {"of": ["a", "kind"]}},
    )


def test_a_split_that_is_not_the_whole_is_kept_and_named() -> None:
    (reading,) = read(
        message(
            {
                "input_tokens": 1,
                "output_tokens": 1,
                "cache_creation_input_tokens": 10,
                "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 0},
            }
        )
    )
    assert (reading.usage.cache_write_input_tokens, reading.usage.cache_write_by_ttl) == (10, (("5m", 4),))
    assert reading.inconsistent == ("cache_creation_input_tokens 10 != cache_creation 4",)


def test_each_iteration_is_bought_from_its_own_model() -> None:
    usage = {
        "input_tokens": 412,  # of the first turn only, with an advisor
        "output_tokens": 90,  # 60 + 30
        "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
        "iterations": [
            {"type": "message", "input_tokens": 412, "output_tokens": 60, "cache_read_input_tokens": 0},
            {"type": "advisor_message", "model": "claude-big", "input_tokens": 823, "output_tokens": 1_612},
            {"type": "message", "input_tokens": 48, "output_tokens": 30, "cache_read_input_tokens": 412},
            {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3_500},
        ],
    }
    first, advice, last, compaction = read(message(usage))
    assert (first.usage.input_tokens, first.model, first.usage.counters) == (412, None, ())
    assert (advice.usage, advice.model, advice.response_model) == (Usage(823, 1_612), "claude-big", "claude-big")
    assert last.usage == Usage(460, 30, cache_read_input_tokens=412, counters=(("web_searches", 1),))
    assert (compaction.usage, compaction.response_model) == (Usage(180_000, 3_500), "claude-x")
    assert not any(reading.inconsistent for reading in (first, advice, last, compaction))


def test_thinking_goes_to_the_only_turn_that_it_can_be_of() -> None:
    turn = {"type": "message", "input_tokens": 5, "output_tokens": 60}
    whole = {"input_tokens": 5, "output_tokens": 60, "output_tokens_details": {"thinking_tokens": 40}}
    (reading,) = read(message({**whole, "iterations": [turn]}))
    assert reading.usage.reasoning_output_tokens == 40


def test_iterations_that_leave_out_output_are_named() -> None:
    turn = {"type": "message", "input_tokens": 5, "output_tokens": 60}
    (reading,) = read(message({"input_tokens": 5, "output_tokens": 61, "iterations": [turn]}))
    assert reading.inconsistent == ("output_tokens 61 > iterations 60",)


def test_a_batch_is_known_by_its_tier_and_by_its_envelope() -> None:
    body = message({"input_tokens": 5, "output_tokens": 6, "service_tier": "batch"})
    (alone,), (enclosed,) = read(body), read({"custom_id": "q", "result": {"type": "succeeded", "message": body}})
    assert (alone.processing, enclosed.processing, enclosed.usage) == ("batch", "batch", Usage(5, 6))
    (expired,) = read({"custom_id": "q", "result": {"type": "expired"}})
    assert (expired.status, expired.usage) == ("failed", Usage())
