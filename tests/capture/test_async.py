"""All that is captured of calls is captured of those of coroutines, too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pydantic
import pytest

from taximeter.events import CallEvent
from taximeter.recorder.recorder import Recorder
from taximeter.usage import NO_USAGE, Usage
from tests.capture.server import Server
from tests.capture.test_openai import ASK, BROKEN, CHAT, RESPONSE, async_client, only
from tests.recorder.events import calls, events

Sdk = openai.AsyncOpenAI
Act = Callable[[Sdk], Awaitable[object]]
ASKED: dict[str, Any] = {"model": "m", "messages": ASK}
STREAMED: dict[str, Any] = {**ASKED, "stream": True}


class Answer(pydantic.BaseModel):
    answer: int


async def chat(sdk: Sdk) -> object:
    return await sdk.chat.completions.create(**ASKED)


async def parsed(sdk: Sdk) -> object:
    return await sdk.chat.completions.parse(**ASKED, response_format=Answer)


async def raw(sdk: Sdk) -> object:
    return (await sdk.chat.completions.with_raw_response.create(**ASKED)).parse()


async def later(sdk: Sdk) -> object:
    async with sdk.chat.completions.with_streaming_response.create(**ASKED) as response:
        return await response.parse()


async def streamed(sdk: Sdk) -> object:
    chunks = [chunk async for chunk in await sdk.chat.completions.create(**STREAMED)]
    assert [chunk.usage for chunk in chunks] == [None] * 4
    return chunks


async def helped(sdk: Sdk) -> object:
    async with sdk.chat.completions.stream(**ASKED) as stream:
        return await stream.get_final_completion()


async def raw_streamed(sdk: Sdk) -> object:
    answer = (await sdk.chat.completions.with_raw_response.create(**STREAMED)).parse()
    return [chunk async for chunk in answer]


async def lines(sdk: Sdk) -> object:
    async with sdk.chat.completions.with_streaming_response.create(**STREAMED) as response:
        found = [line async for line in response.iter_lines() if line]
    assert len(found) == 5
    return found


async def embedded(sdk: Sdk) -> object:
    return await sdk.embeddings.create(model="e", input="what?", encoding_format="float")


async def responded(sdk: Sdk) -> object:
    return await sdk.responses.create(model="m", input="what?")


async def response_streamed(sdk: Sdk) -> object:
    return [event async for event in await sdk.responses.create(model="m", input="what?", stream=True)]


def run(sdk: Sdk, act: Act) -> None:
    async def all_of_it() -> None:
        async with sdk:
            await act(sdk)

    asyncio.run(all_of_it())


@pytest.mark.parametrize("case", ["", "gzip", "fail:429:1"])
@pytest.mark.parametrize(
    ("act", "usage"),
    [
        (chat, CHAT),
        (parsed, CHAT),
        (raw, CHAT),
        (later, CHAT),
        (streamed, CHAT),
        (helped, CHAT),
        (raw_streamed, CHAT),
        (lines, CHAT),
        (embedded, Usage(13)),
        (responded, RESPONSE),
        (response_streamed, RESPONSE),
    ],
)
def test_each_way_of_asking_is_one_call(server: Server, recorder: Recorder, act: Act, usage: Usage, case: str) -> None:
    run(async_client(server, case), act)
    call: CallEvent = only(recorder)
    assert (call.usage, call.status, call.tries) == (usage, "done", 2 if case.startswith("fail") else 1)


@pytest.mark.parametrize("act", [chat, later, streamed, embedded, responded, response_streamed])
def test_each_way_of_asking_may_fail(server: Server, recorder: Recorder, act: Act) -> None:
    with pytest.raises(openai.InternalServerError):
        run(async_client(server, "fail:500:99", max_retries=0), act)
    assert (only(recorder).usage, only(recorder).status, only(recorder).tries) == (NO_USAGE, "failed", 1)


@pytest.mark.parametrize("act", [streamed, lines, response_streamed])
def test_each_stream_may_break(server: Server, recorder: Recorder, act: Act) -> None:
    with pytest.raises(Exception, match=BROKEN):
        run(async_client(server, "break:2"), act)
    assert (only(recorder).usage, only(recorder).status) == (NO_USAGE, "cut")


def test_a_stream_that_is_left_is_cut(server: Server, recorder: Recorder) -> None:
    async def leave(sdk: Sdk) -> None:
        async with await sdk.chat.completions.create(**STREAMED) as stream:
            await anext(aiter(stream))

    run(async_client(server), leave)
    assert (only(recorder).usage, only(recorder).status) == (NO_USAGE, "cut")


def test_a_server_that_refuses_is_asked_once(recorder: Recorder) -> None:
    server = Server()

    async def twice(sdk: Sdk) -> None:
        await streamed(sdk)
        await streamed(sdk)

    run(async_client(server, "no-stream-options"), twice)
    assert ["stream_options" in body for _, body in server.seen] == [True, False, False]
    assert [(call.tries, call.usage_source) for call in calls(events(recorder))] == [(2, "missing"), (1, "missing")]
    server.stop()


def test_azure(server: Server, recorder: Recorder) -> None:
    sdk = openai.AsyncAzureOpenAI(api_key="k", azure_endpoint=server.url, api_version="2025-04-01-preview")
    run(sdk, streamed)
    assert (only(recorder).usage, only(recorder).provider) == (CHAT, "azure")
