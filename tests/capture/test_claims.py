"""Who tells by hand what a hook has seen tells of the same call."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any

import pytest

import taximeter
from taximeter.recorder import claims
from taximeter.recorder.claims import BY_HAND
from taximeter.recorder.recorder import Recorder
from tests.capture.server import Server
from tests.capture.test_openai import ASK, client
from tests.recorder.events import calls, events


def ask(server: Server) -> Any:
    return client(server).chat.completions.create(model="m", messages=ASK)


def captured_by(recorder: Recorder) -> list[str | None]:
    return [call.captured_by for call in calls(events(recorder))]


@pytest.mark.parametrize("model", ["m", "m-2026"])
def test_the_same_model_and_counts_are_the_same_call(server: Server, recorder: Recorder, model: str) -> None:
    ask(server)
    taximeter.log_llm_usage(model, 25, 7)
    assert captured_by(recorder) == ["openai"]


@pytest.mark.parametrize("request_id", ["chatcmpl-1", "req-1"])
def test_the_same_id_is_the_same_call(server: Server, recorder: Recorder, request_id: str) -> None:
    ask(server)
    taximeter.log_llm_usage("an alias", 24, 7, request_id=request_id)
    assert captured_by(recorder) == ["openai"]


def test_a_call_is_claimed_once(server: Server, recorder: Recorder) -> None:
    ask(server)
    taximeter.log_llm_usage("m", 25, 7)
    taximeter.log_llm_usage("m", 25, 7)
    taximeter.log_llm_usage("m", 25, 7, request_id="chatcmpl-1")
    assert captured_by(recorder) == ["openai", "user", "user"]


def test_two_requests_with_one_id_are_two_calls(server: Server, recorder: Recorder) -> None:
    for _ in range(2):
        answer = ask(server)
        taximeter.log_llm_usage("m", 25, 7, request_id=answer.id)
    assert captured_by(recorder) == ["openai", "openai"]


@pytest.mark.parametrize("told", [{"prompt_tokens": 24}, {"completion_tokens": 8}, {"model": "n"}, {"cached": True},
                                  {"prompt_tokens": None}, {"model": ["m"]}])  # fmt: skip
def test_what_differs_is_another_call(server: Server, recorder: Recorder, told: dict[str, Any]) -> None:
    ask(server)
    taximeter.log_llm_usage({"model": "m", "prompt_tokens": 25, "completion_tokens": 7, **told})
    assert len(captured_by(recorder)) + taximeter.recorder.guard.losses["rejected"] == 2


def test_an_embedding_is_no_chat(server: Server, recorder: Recorder) -> None:
    client(server).embeddings.create(model="e", input="what?", encoding_format="float")
    taximeter.log_llm_usage("e", 13)
    taximeter.log_embedding_usage("e", 13)
    assert captured_by(recorder) == ["openai", "user"]


def test_calls_of_threads_are_claimed_by_who_waits_for_them(server: Server, recorder: Recorder) -> None:
    with taximeter.record_stage("s"), ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda _: ask(server), range(8)):
            taximeter.log_llm_usage("m", 25, 7)
    assert captured_by(recorder) == ["openai"] * 8


def test_a_call_in_a_span_is_claimed_outside_of_it(server: Server, recorder: Recorder) -> None:
    with taximeter.span("ask"):
        ask(server)
    taximeter.log_llm_usage("m", 25, 7)
    assert captured_by(recorder) == ["openai"]


def test_a_call_of_another_trace_is_another_call(server: Server, recorder: Recorder) -> None:
    with taximeter.span("one"):
        ask(server)

    def other() -> None:
        with taximeter.span("other"):
            taximeter.log_llm_usage("m", 25, 7)

    thread = threading.Thread(target=Context().run, args=(other,))
    thread.start()
    thread.join()
    assert captured_by(recorder) == ["openai", "user"]


def test_a_tracker_claims(server: Server, recorder: Recorder) -> None:
    tracker = taximeter.TokenTracker()
    ask(server)
    tracker.record_llm("m", 25, 7)
    assert captured_by(recorder) == ["openai"]
    assert tracker.token_counters()["llm"]["m"]["input_tokens"] == 25


def test_only_the_latest_calls_are_remembered(recorder: Recorder) -> None:
    for number in range(2 * claims._MOST + 10):
        BY_HAND.offer(taximeter.CallEvent(event_id=("", 0), model=f"m{number}", request_id="r"), None)
    taximeter.log_llm_usage("m9")
    taximeter.log_llm_usage(f"m{claims._MOST}")
    assert [call.model for call in calls(events(recorder))] == ["m9"]


def test_what_a_thread_has_captured_it_can_claim_once_whoever_else_claims(recorder: Recorder) -> None:
    def captured_and_told(thread: int) -> list[bool]:
        found = []
        for number in range(1000):
            model = f"m{thread}.{number}"
            BY_HAND.offer(taximeter.CallEvent(event_id=("", 0), model=model), None)
            found += [BY_HAND.claim({"kind": "llm", "model": model}, None) for _ in range(2)]
        return found

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(captured_and_told, range(4)):
            assert found == [True, False] * 1000


@pytest.mark.parametrize("told_at", ["usage", "finish"])
def test_what_is_told_before_a_stream_ends_is_of_it(server: Server, recorder: Recorder, told_at: str) -> None:
    sdk = client(server)
    for _ in range(2):
        stream = sdk.chat.completions.create(
            model="m", messages=ASK, stream=True, stream_options={"include_usage": True}
        )
        for chunk in stream:
            if chunk.usage if told_at == "usage" else chunk.choices and chunk.choices[0].finish_reason:
                taximeter.log_llm_usage("m", 25, 7, request_id=chunk.id)
    assert captured_by(recorder) == (["openai"] if told_at == "usage" else ["user"]) * 2


def test_what_was_told_before_a_stream_began_is_not_of_it(server: Server, recorder: Recorder) -> None:
    for _ in range(2):
        taximeter.log_llm_usage("m", 25, 7)
        list(client(server).chat.completions.create(model="m", messages=ASK, stream=True))
    assert captured_by(recorder) == ["user", "openai", "openai"]
