"""The quick way of a usual answer says what the long way says of it, or nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from taximeter.normalize.chat import USAGE
from taximeter.normalize.quick import read_chat
from taximeter.normalize.read import read
from taximeter.normalize.reading import RejectedUsageError
from tests.normalize.bodies import CHAT

COUNT = st.integers(0, 9) | st.none()
ODD = st.sampled_from([-1, 2**63, 1.5, 3.0, True, "5"])


@st.composite
def usages(draw: st.DrawFn) -> dict[str, Any]:
    """Fields that the long way knows, of which most are true; sometimes one that it does not."""

    def some(table: Any) -> dict[str, Any]:
        names = draw(st.lists(st.sampled_from(sorted(table)), max_size=4))
        return {name: some(table[name]) if isinstance(table[name], dict) else draw(COUNT) for name in names}

    usage = {**some(USAGE), "prompt_tokens": draw(st.integers(5, 30)), "completion_tokens": draw(st.integers(5, 30))}
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    if draw(st.integers(0, 3)) == 0:
        usage[draw(st.sampled_from([*USAGE, "novel_tokens"]))] = draw(COUNT | ODD)
    return usage


@given(
    st.fixed_dictionaries(
        {
            "choices": st.just([]),
            "object": st.sampled_from([*["chat.completion"] * 8, "text_completion", None]),
            "usage": usages() | st.none(),
        },
        optional={
            "id": st.sampled_from(["a", "", None, 5]),
            "model": st.sampled_from(["gpt-5", "grok-4", "m", "", None]),
            "service_tier": st.sampled_from(["flex", None]),
            "type": st.just("message"),
        },
    ),
    st.sampled_from([None, "openai", "mistral", "cohere", "litellm", "x-ai"]),
)
def test_both_ways_say_the_same(body: dict[str, Any], provider: str | None) -> None:
    quick = read_chat(msgspec.json.encode(body), provider)
    event("quick" if quick is not None else "left to the long way")
    if quick is not None:
        assert (quick,) == read(body, provider)


def test_the_usual_answer_takes_the_quick_way() -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0}}
    for usage in (CHAT["usage"] | details, {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}):
        body = CHAT | {"usage": usage}
        assert (read_chat(msgspec.json.encode(body)),) == read(body)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'{"object":"chat.completion"}', b"[" * 100_000])
def test_what_is_no_usual_answer_is_left_to_others(body: bytes) -> None:
    assert read_chat(body) is None


def test_what_cannot_be_true_is_left_to_who_says_why() -> None:
    body = CHAT | {"usage": {"prompt_tokens": -1, "completion_tokens": 1, "total_tokens": 0}}
    assert read_chat(msgspec.json.encode(body)) is None
    with pytest.raises(RejectedUsageError):
        read(body)
