"""The SDK of Anthropic against a server on loopback."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import anthropic
import pytest

from taximeter.recorder.recorder import Recorder
from taximeter.usage import NO_USAGE, Usage
from tests.capture.answers import TEXT
from tests.capture.server import Server
from tests.capture.test_openai import BROKEN, only
from tests.recorder.events import calls, events

MESSAGE = Usage(35, 9, cache_read_input_tokens=20, cache_write_input_tokens=4)
BEGUN = Usage(35, None, cache_read_input_tokens=20, cache_write_input_tokens=4)
ASK: dict[str, Any] = {"model": "c", "max_tokens": 9, "messages": [{"role": "user", "content": "what?"}]}


def client(server: Server, case: str = "", **options: Any) -> anthropic.Anthropic:
    headers = {"x-case": case}
    return server.keep(anthropic.Anthropic(api_key="k", base_url=server.url, default_headers=headers, **options))


def async_client(server: Server, case: str = "") -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(api_key="k", base_url=server.url, default_headers={"x-case": case})


def test_a_message(server: Server, recorder: Recorder) -> None:
    answer = client(server).messages.create(**ASK)
    assert type(answer) is anthropic.types.Message
    call = only(recorder)
    assert (call.usage, call.provider, call.model, call.response_model) == (MESSAGE, "anthropic", "c", "c-2026")
    assert (call.endpoint, call.tries, call.request_id, call.captured_by) == ("/messages", 1, "req-1", "anthropic")


@pytest.mark.parametrize("case", ["", "gzip"])
def test_a_stream_of_events(server: Server, recorder: Recorder, case: str) -> None:
    kinds = [event.type for event in client(server, case).messages.create(**ASK, stream=True)]
    assert kinds[-1] == "message_stop"
    assert (only(recorder).usage, only(recorder).status, only(recorder).stream) == (MESSAGE, "done", True)


def test_the_helper_for_streams(server: Server, recorder: Recorder) -> None:
    with client(server).messages.stream(**ASK) as stream:
        assert "".join(stream.text_stream) == TEXT
        assert stream.get_final_message().usage.output_tokens == 9
    assert only(recorder).usage == MESSAGE
    assert only(recorder).ttft_ms is not None


def test_a_stream_that_is_dropped_is_cut(server: Server, recorder: Recorder) -> None:
    stream = client(server).messages.create(**ASK, stream=True)
    gone = weakref.ref(stream.response)
    next(iter(stream))
    del stream
    if anthropic.__version__.startswith("0."):
        gc.collect()  # a response of httpx refers to itself
    assert gone() is None, "nothing of ours keeps it"
    assert (only(recorder).usage, only(recorder).status) == (BEGUN, "cut")


def test_a_stream_that_is_left_is_cut(server: Server, recorder: Recorder) -> None:
    with client(server).messages.stream(**ASK) as stream:
        next(iter(stream))
    assert (only(recorder).usage, only(recorder).status) == (BEGUN, "cut")


def test_a_stream_that_breaks_is_cut(server: Server, recorder: Recorder) -> None:
    with pytest.raises(Exception, match=BROKEN):
        list(client(server, "break:4").messages.create(**ASK, stream=True))
    assert (only(recorder).usage, only(recorder).status) == (BEGUN, "cut")


def test_a_beta_message(server: Server, recorder: Recorder) -> None:
    client(server).beta.messages.create(**ASK)
    assert only(recorder).usage == MESSAGE


def test_a_beta_stream(server: Server, recorder: Recorder) -> None:
    with client(server).beta.messages.stream(**ASK) as stream:
        stream.until_done()
    assert only(recorder).usage == MESSAGE


def test_a_raw_answer(server: Server, recorder: Recorder) -> None:
    raw = client(server).messages.with_raw_response.create(**ASK)
    assert raw.parse().usage.output_tokens == 9
    assert only(recorder).usage == MESSAGE


def test_an_answer_that_is_read_later(server: Server, recorder: Recorder) -> None:
    with client(server).messages.with_streaming_response.create(**ASK) as response:
        assert response.json()["usage"]["output_tokens"] == 9
    assert only(recorder).usage == MESSAGE


def test_tries_are_one_call(server: Server, recorder: Recorder) -> None:
    client(server, "fail:429:1").messages.create(**ASK)
    assert (only(recorder).tries, only(recorder).usage) == (2, MESSAGE)


def test_a_call_that_fails_in_the_end(server: Server, recorder: Recorder) -> None:
    with pytest.raises(anthropic.InternalServerError):
        client(server, "fail:500:99", max_retries=1).messages.create(**ASK)
    assert (only(recorder).status, only(recorder).tries, only(recorder).usage) == ("failed", 2, NO_USAGE)


def test_nobody_who_answers_is_a_failed_call(recorder: Recorder) -> None:
    sdk = anthropic.Anthropic(api_key="k", base_url="http://127.0.0.1:9", max_retries=0)
    with pytest.raises(anthropic.APIConnectionError):
        sdk.messages.create(**ASK)
    assert (only(recorder).status, only(recorder).tries) == ("failed", 1)


def test_async_messages_and_streams(server: Server, recorder: Recorder) -> None:
    async def ask() -> None:
        async with async_client(server) as sdk:
            await sdk.messages.create(**ASK)
            async for _ in await sdk.messages.create(**ASK, stream=True):
                pass
            async with sdk.messages.stream(**ASK) as stream:
                await stream.get_final_message()

    asyncio.run(ask())
    assert [call.usage for call in calls(events(recorder))] == [MESSAGE] * 3


def test_counting_tokens_is_no_call(server: Server, recorder: Recorder) -> None:
    with pytest.raises(anthropic.NotFoundError):
        client(server).messages.count_tokens(model="c", messages=ASK["messages"])
    assert calls(events(recorder)) == []


def test_results_of_a_batch_are_counted_once(server: Server, recorder: Recorder) -> None:
    sdk = client(server)
    for _ in range(2):
        assert [result.custom_id for result in sdk.messages.batches.results("b1")] == ["a", "b"]
    found = [(call.status, call.usage, call.processing) for call in calls(events(recorder))]
    assert found == [("done", MESSAGE, "batch"), ("failed", NO_USAGE, "batch")]


def test_what_a_middleware_answers_by_itself_was_not_sent(server: Server, recorder: Recorder) -> None:
    kept: list[Any] = []

    def cache(request: Any, call_next: Any) -> Any:
        if not kept:
            kept.append(call_next(request).parse())
        return kept[0]

    sdk = client(server, middleware=[cache])
    assert sdk.messages.create(**ASK) is sdk.messages.create(**ASK)
    assert only(recorder).usage == MESSAGE
