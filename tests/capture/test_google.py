"""The SDK of Google against a server on loopback."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from taximeter.recorder.recorder import Recorder
from taximeter.usage import NO_USAGE, Usage
from tests.capture.answers import TEXT
from tests.capture.server import Server
from tests.capture.test_openai import only
from tests.recorder.events import calls, events

SAID = Usage(14, 8, cache_read_input_tokens=2, reasoning_output_tokens=3)


def client(server: Server, case: str = "", attempts: int = 1) -> genai.Client:
    retry = types.HttpRetryOptions(
        attempts=attempts, initial_delay=0.001, max_delay=0.002, http_status_codes=[429, 500]
    )
    options = types.HttpOptions(base_url=server.url, headers={"x-case": case}, retry_options=retry)
    return server.keep(genai.Client(api_key="k", http_options=options))


def test_an_answer(server: Server, recorder: Recorder) -> None:
    answer = client(server).models.generate_content(model="g", contents="what?")
    assert type(answer) is types.GenerateContentResponse
    assert answer.text == TEXT
    call = only(recorder)
    assert (call.usage, call.provider, call.model, call.response_model) == (SAID, "google", "g", "g-2026")
    assert (call.kind, call.operation, call.tries, call.stream) == ("llm", "generate_content", 1, False)
    assert (call.captured_by, call.response_id) == ("google-genai", "gemini-1")


@pytest.mark.parametrize("case", ["", "gzip"])
def test_of_a_stream_the_last_chunk_counts(server: Server, recorder: Recorder, case: str) -> None:
    chunks = list(client(server, case).models.generate_content_stream(model="g", contents="what?"))
    assert "".join(chunk.text or "" for chunk in chunks) == TEXT
    call = only(recorder)
    assert (call.usage, call.status, call.stream, call.tries) == (SAID, "done", True, 1)
    assert call.ttft_ms is not None


def test_a_stream_that_is_dropped_is_cut(server: Server, recorder: Recorder) -> None:
    chunks = client(server).models.generate_content_stream(model="g", contents="what?")
    next(chunks)
    del chunks
    assert (only(recorder).usage.input_tokens, only(recorder).status) == (14, "cut")


def test_a_stream_that_breaks_is_cut(server: Server, recorder: Recorder) -> None:
    with pytest.raises(Exception, match=r"incomplete|peer"):
        list(client(server, "break:2").models.generate_content_stream(model="g", contents="what?"))
    assert (only(recorder).usage.output_tokens, only(recorder).status) == (2, "cut")


def test_a_chat_is_a_call_for_each_turn(server: Server, recorder: Recorder) -> None:
    chat = client(server).chats.create(model="g")
    chat.send_message("what?")
    list(chat.send_message_stream("why?"))
    assert [call.usage for call in calls(events(recorder))] == [SAID, SAID]


def test_embeddings(server: Server, recorder: Recorder) -> None:
    client(server).models.embed_content(model="gemini-embedding-001", contents="what?")
    call = only(recorder)
    assert (call.kind, call.usage, call.model) == ("embedding", Usage(12), "gemini-embedding-001")


def test_tries_are_one_call(server: Server, recorder: Recorder) -> None:
    client(server, "fail:429:2", attempts=4).models.generate_content(model="g", contents="what?")
    assert (only(recorder).tries, only(recorder).usage) == (3, SAID)


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_fails_in_the_end(server: Server, recorder: Recorder, stream: bool) -> None:
    models = client(server, "fail:500:99", attempts=2).models
    with pytest.raises(errors.ServerError):
        if stream:
            list(models.generate_content_stream(model="g", contents="what?"))
        else:
            models.generate_content(model="g", contents="what?")
    assert (only(recorder).status, only(recorder).tries, only(recorder).usage) == ("failed", 2, NO_USAGE)


def test_async_answers_streams_and_embeddings(server: Server, recorder: Recorder) -> None:
    async def ask() -> None:
        async with client(server).aio as sdk:
            await sdk.models.generate_content(model="g", contents="what?")
            async for _ in await sdk.models.generate_content_stream(model="g", contents="what?"):
                pass
            await sdk.models.embed_content(model="gemini-embedding-001", contents="what?")

    asyncio.run(ask())
    assert [call.usage for call in calls(events(recorder))] == [SAID, SAID, Usage(12)]


def test_an_async_call_that_fails(server: Server, recorder: Recorder) -> None:
    async def ask() -> None:
        async with client(server, "fail:500:99").aio as sdk:
            async for _ in await sdk.models.generate_content_stream(model="g", contents="what?"):
                pass

    with pytest.raises(errors.ServerError):
        asyncio.run(ask())
    assert (only(recorder).status, only(recorder).tries) == ("failed", 1)


def test_counting_tokens_is_no_call(server: Server, recorder: Recorder) -> None:
    with pytest.raises(errors.ClientError):
        client(server).models.count_tokens(model="g", contents="what?")
    assert calls(events(recorder)) == []


def test_results_in_a_batch_and_in_a_file_are_counted_once(server: Server, recorder: Recorder) -> None:
    sdk = client(server)
    for _ in range(2):
        sdk.batches.get(name="batches/1")
        sdk.files.download(file="files/results")
    found: list[Any] = [(call.status, call.usage, call.processing) for call in calls(events(recorder))]
    assert found == [("done", SAID, "batch")] * 3
