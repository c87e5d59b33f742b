"""The SDK of Mistral against a server on loopback."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mistralai.client import Mistral
from mistralai.client.errors import SDKError
from mistralai.client.utils import BackoffStrategy, RetryConfig

from taximeter.recorder.recorder import Recorder
from taximeter.usage import NO_USAGE, Usage
from tests.capture.answers import TEXT
from tests.capture.server import Server
from tests.capture.test_openai import CHAT, only
from tests.recorder.events import calls, events

ASK: list[Any] = [{"role": "user", "content": "what?"}]


def client(server: Server) -> Mistral:
    retry = RetryConfig("backoff", BackoffStrategy(1, 2, 1.1, 2_000), retry_connection_errors=False)
    return Mistral(api_key="k", server_url=server.url, retry_config=retry)


def case(name: str) -> dict[str, str]:
    return {"x-case": name}


def test_a_chat(server: Server, recorder: Recorder) -> None:
    answer = client(server).chat.complete(model="m", messages=ASK)
    assert answer.choices[0].message.content == TEXT
    call = only(recorder)
    assert (call.usage, call.provider, call.model, call.response_model) == (CHAT, "mistral", "m", "m-2026")
    assert (call.endpoint, call.tries, call.stream, call.captured_by) == ("/chat/completions", 1, False, "mistralai")


def test_a_stream(server: Server, recorder: Recorder) -> None:
    with client(server).chat.stream(model="m", messages=ASK, http_headers=case("tells")) as stream:
        text = "".join(event.data.choices[0].delta.content or "" for event in stream if event.data.choices)
    assert text == TEXT
    assert (only(recorder).usage, only(recorder).status, only(recorder).stream) == (CHAT, "done", True)


def test_a_stream_that_is_left_is_cut(server: Server, recorder: Recorder) -> None:
    with client(server).chat.stream(model="m", messages=ASK) as stream:
        next(iter(stream))
    assert (only(recorder).usage, only(recorder).status) == (NO_USAGE, "cut")


def test_embeddings(server: Server, recorder: Recorder) -> None:
    client(server).embeddings.create(model="e", inputs=["what?"])
    assert (only(recorder).usage, only(recorder).kind, only(recorder).model) == (Usage(13), "embedding", "e")


def test_tries_are_one_call(server: Server, recorder: Recorder) -> None:
    client(server).chat.complete(model="m", messages=ASK, http_headers=case("fail:500:2"))
    assert (only(recorder).tries, only(recorder).usage) == (3, CHAT)


def test_a_call_that_fails(server: Server, recorder: Recorder) -> None:
    with pytest.raises(SDKError):
        client(server).chat.complete(model="m", messages=ASK, http_headers=case("fail:404:99"))
    assert (only(recorder).status, only(recorder).tries, only(recorder).usage) == ("failed", 1, NO_USAGE)


def test_async(server: Server, recorder: Recorder) -> None:
    async def ask() -> None:
        async with client(server) as sdk:
            await sdk.chat.complete_async(model="m", messages=ASK)
            async with await sdk.chat.stream_async(model="m", messages=ASK, http_headers=case("tells")) as stream:
                async for _ in stream:
                    pass

    asyncio.run(ask())
    assert [call.usage for call in calls(events(recorder))] == [CHAT, CHAT]


def test_results_of_a_batch_are_counted_once(server: Server, recorder: Recorder) -> None:
    sdk = client(server)
    for _ in range(2):
        assert len(sdk.files.download(file_id="1").read().splitlines()) == 2
    found = [(call.status, call.usage, call.processing) for call in calls(events(recorder))]
    assert found == [("done", CHAT, "batch"), ("failed", NO_USAGE, "batch")]


def test_other_requests_are_no_calls(server: Server, recorder: Recorder) -> None:
    client(server).models.list()
    assert calls(events(recorder)) == []


CONVERSATION = Usage(30, 5, tool_use_input_tokens=12, counters=(("web_searches", 1),))


def test_fill_in_the_middle(server: Server, recorder: Recorder) -> None:
    client(server).fim.complete(model="m", prompt="a", suffix="b")
    with client(server).fim.stream(model="m", prompt="a") as stream:
        assert "".join(event.data.choices[0].delta.content or "" for event in stream if event.data.choices) == TEXT
    found = [(call.usage, call.endpoint, call.model, call.stream) for call in calls(events(recorder))]
    assert found == [(CHAT, "/fim/completions", "m", stream) for stream in (False, True)]


def test_agents(server: Server, recorder: Recorder) -> None:
    client(server).agents.complete(agent_id="ag_1", messages=ASK)
    with client(server).agents.stream(agent_id="ag_1", messages=ASK) as stream:
        assert len(list(stream)) == 5
    found = [(call.usage, call.endpoint, call.stream, call.status) for call in calls(events(recorder))]
    assert found == [(CHAT, "/agents/completions", stream, "done") for stream in (False, True)]


def test_conversations(server: Server, recorder: Recorder) -> None:
    conversations = client(server).beta.conversations
    begun = conversations.start(inputs="what?", model="m")
    conversations.append(conversation_id=begun.conversation_id, inputs="why?")
    conversations.restart(conversation_id=begun.conversation_id, inputs="why?", from_entry_id="e1")
    found = [(call.usage, call.endpoint, call.response_id) for call in calls(events(recorder))]
    assert found == [(CONVERSATION, "/conversations", "conv_1")] * 3
    assert calls(events(recorder))[0].model == "m"


def test_conversations_that_are_streamed(server: Server, recorder: Recorder) -> None:
    conversations = client(server).beta.conversations
    with conversations.start_stream(inputs="what?", model="m") as stream:
        assert len(list(stream)) == 3
    with conversations.append_stream(conversation_id="conv_1", inputs="why?") as stream:
        assert len(list(stream)) == 3
    found = [(call.usage, call.status, call.stream) for call in calls(events(recorder))]
    assert found == [(CONVERSATION, "done", True)] * 2


def test_a_streamed_conversation_that_is_left_is_cut(server: Server, recorder: Recorder) -> None:
    with client(server).beta.conversations.start_stream(inputs="what?", model="m") as stream:
        next(iter(stream))
    assert (only(recorder).usage, only(recorder).status) == (NO_USAGE, "cut")


def test_pages_that_are_read(server: Server, recorder: Recorder) -> None:
    document: Any = {"type": "document_url", "document_url": "http://127.0.0.1/a.pdf"}
    client(server).ocr.process(model="o", document=document)
    call = only(recorder)
    assert (call.usage, call.operation, call.model) == (Usage(counters=(("input_document_pages", 3),)), "ocr", "o")


def test_async_agents_conversations_and_pages(server: Server, recorder: Recorder) -> None:
    document: Any = {"type": "document_url", "document_url": "http://127.0.0.1/a.pdf"}

    async def ask() -> None:
        async with client(server) as sdk:
            await sdk.fim.complete_async(model="m", prompt="a")
            await sdk.agents.complete_async(agent_id="ag_1", messages=ASK)
            await sdk.beta.conversations.start_async(inputs="what?", model="m")
            await sdk.ocr.process_async(model="o", document=document)

    asyncio.run(ask())
    assert [call.usage for call in calls(events(recorder))][:3] == [CHAT, CHAT, CONVERSATION]
    assert len(calls(events(recorder))) == 4
