"""The SDK of OpenAI against a server on loopback: each call once, with its tokens."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from taximeter.events import CallEvent
from taximeter.recorder.recorder import Recorder
from taximeter.usage import NO_USAGE, Usage
from tests.capture.server import Server
from tests.recorder.events import calls, events

CHAT = Usage(25, 7, cache_read_input_tokens=5, reasoning_output_tokens=2)
ASK: list[Any] = [{"role": "user", "content": "what?"}]


def client(server: Server, case: str = "", **options: Any) -> openai.OpenAI:
    return openai.OpenAI(api_key="k", base_url=f"{server.url}/v1", default_headers={"x-case": case}, **options)


def async_client(server: Server, case: str = "", **options: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="k", base_url=f"{server.url}/v1", default_headers={"x-case": case}, **options)


def only(recorder: Recorder) -> CallEvent:
    (call,) = calls(events(recorder))
    return call


def test_a_chat_is_one_call(server: Server, recorder: Recorder) -> None:
    answer = client(server).chat.completions.create(model="m", messages=ASK)
    assert type(answer) is openai.types.chat.ChatCompletion
    call = only(recorder)
    assert call.usage == CHAT
    assert (call.kind, call.model, call.response_model, call.status) == ("llm", "m", "m-2026", "done")
    assert (call.usage_source, call.captured_by, call.tries, call.stream) == ("provider", "openai", 1, False)
    assert (call.endpoint, call.operation) == ("/chat/completions", "chat")
    assert (call.response_id, call.request_id) == ("chatcmpl-1", "req-1")
    assert call.request_ms is not None
    assert call.started_at is not None


def test_an_async_chat_is_one_call(server: Server, recorder: Recorder) -> None:
    async def ask() -> None:
        async with async_client(server) as sdk:
            await sdk.chat.completions.create(model="m", messages=ASK)

    asyncio.run(ask())
    assert only(recorder).usage == CHAT


def test_a_packed_answer_is_read(server: Server, recorder: Recorder) -> None:
    client(server, "gzip").chat.completions.create(model="m", messages=ASK)
    assert only(recorder).usage == CHAT


def test_tries_of_the_sdk_are_one_call(server: Server, recorder: Recorder) -> None:
    client(server, "fail:500:2").chat.completions.create(model="m", messages=ASK)
    call = only(recorder)
    assert (call.tries, call.usage, len(server.seen)) == (3, CHAT, 3)


def test_a_call_that_fails_in_the_end_is_a_failed_one(server: Server, recorder: Recorder) -> None:
    with pytest.raises(openai.InternalServerError):
        client(server, "fail:500:99", max_retries=1).chat.completions.create(model="m", messages=ASK)
    call = only(recorder)
    assert (call.status, call.tries, call.usage, call.usage_source) == ("failed", 2, NO_USAGE, "missing")
    assert call.request_id == "req-1"


def test_what_was_never_sent_is_no_call(server: Server, recorder: Recorder) -> None:
    with pytest.raises(TypeError):
        client(server).chat.completions.create(model="m", messages=object())  # type: ignore[call-overload]
    assert server.seen == []
    assert calls(events(recorder)) == []


def test_a_usage_that_nobody_told_is_missing(server: Server, recorder: Recorder) -> None:
    client(server, "silent").chat.completions.create(model="m", messages=ASK)
    assert (only(recorder).usage, only(recorder).usage_source) == (NO_USAGE, "missing")


def test_an_answer_that_is_no_json_is_a_call_without_usage(server: Server, recorder: Recorder) -> None:
    client(server, "html").chat.completions.create(model="m", messages=ASK)
    assert (only(recorder).usage_source, only(recorder).status) == ("missing", "done")


def test_other_requests_are_no_calls(server: Server, recorder: Recorder) -> None:
    client(server).models.list()
    assert calls(events(recorder)) == []
