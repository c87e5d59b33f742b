"""The SDK of OpenAI against a server on loopback: each call once, with its tokens."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import openai
import pydantic
import pytest

from taximeter.events import CallEvent
from taximeter.recorder.recorder import Recorder
from taximeter.usage import NO_USAGE, Usage
from tests.capture.answers import TEXT
from tests.capture.server import Server
from tests.recorder.events import calls, events

CHAT = Usage(25, 7, cache_read_input_tokens=5, reasoning_output_tokens=2)
RESPONSE = Usage(36, 8, cache_read_input_tokens=6, reasoning_output_tokens=3)
BROKEN = r"Connection error|incomplete chunked read"
ASK: list[Any] = [{"role": "user", "content": "what?"}]


def client(server: Server, case: str = "", **options: Any) -> openai.OpenAI:
    headers = {"x-case": case}
    return server.keep(openai.OpenAI(api_key="k", base_url=f"{server.url}/v1", default_headers=headers, **options))


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


def ask_stream(sdk: openai.OpenAI, model: str = "m", **options: Any) -> list[Any]:
    return list(sdk.chat.completions.create(model=model, messages=ASK, stream=True, **options))


def test_a_stream_is_asked_for_its_usage_and_the_program_sees_none_of_it(server: Server, recorder: Recorder) -> None:
    chunks = ask_stream(client(server))
    assert [chunk.usage for chunk in chunks] == [None] * 4
    assert all(chunk.choices for chunk in chunks)
    assert server.seen[0][1]["stream_options"] == {"include_usage": True}
    call = only(recorder)
    assert (call.usage, call.status, call.stream) == (CHAT, "done", True)
    assert call.ttft_ms is not None
    assert call.request_ms is not None
    assert 0 < call.ttft_ms <= call.request_ms


def test_a_usage_that_the_program_asked_for_is_shown_to_it(server: Server, recorder: Recorder) -> None:
    chunks = ask_stream(client(server), stream_options={"include_usage": True})
    assert chunks[-1].usage.prompt_tokens == 25
    assert only(recorder).usage == CHAT


def test_a_program_that_wants_no_usage_gets_none(server: Server, recorder: Recorder) -> None:
    assert len(ask_stream(client(server), stream_options={"include_usage": False})) == 4
    assert server.seen[0][1]["stream_options"] == {"include_usage": False}
    assert (only(recorder).usage, only(recorder).usage_source, only(recorder).status) == (NO_USAGE, "missing", "done")


def test_other_options_of_the_stream_stay(server: Server, recorder: Recorder) -> None:
    options = {"include_obfuscation": False}
    assert len(ask_stream(client(server), stream_options=options)) == 4
    assert options == {"include_obfuscation": False}
    assert server.seen[0][1]["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert only(recorder).usage == CHAT


def test_asking_can_be_switched_off(server: Server, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIMETER_ASK_USAGE", "0")
    ask_stream(client(server))
    assert "stream_options" not in server.seen[0][1]
    assert only(recorder).usage_source == "missing"


def test_a_server_that_refuses_is_asked_once(recorder: Recorder) -> None:
    server = Server()
    sdk = client(server, "no-stream-options")
    assert [len(ask_stream(sdk)) for _ in range(2)] == [4, 4]
    assert ["stream_options" in body for _, body in server.seen] == [True, False, False]
    assert [(call.tries, call.status, call.usage) for call in calls(events(recorder))] == [
        (2, "done", NO_USAGE),
        (1, "done", NO_USAGE),
    ]
    server.stop()


def test_a_server_that_has_told_it_of_another_model_may_refuse(recorder: Recorder) -> None:
    server = Server()
    assert len(ask_stream(client(server), model="willing")) == 4
    assert len(ask_stream(client(server, "no-stream-options"), model="other")) == 4
    assert len(ask_stream(client(server), model="willing")) == 4
    asked = [(body["model"], "stream_options" in body) for _, body in server.seen]
    assert asked == [("willing", True), ("other", True), ("other", False), ("willing", True)]
    assert [call.usage_source for call in calls(events(recorder))] == ["provider", "missing", "provider"]
    server.stop()


def test_a_request_that_is_wrong_without_being_asked_is_sent_twice_at_most(recorder: Recorder) -> None:
    server = Server()
    with pytest.raises(openai.BadRequestError):
        ask_stream(client(server, "fail:400:99"))
    assert len(server.seen) == 2
    assert (only(recorder).status, only(recorder).tries) == ("failed", 2)
    assert len(ask_stream(client(server))) == 4
    assert server.seen[-1][1]["stream_options"] == {"include_usage": True}, "who was wrong is not the server"
    with pytest.raises(openai.BadRequestError):
        ask_stream(client(server, "fail:400:99"))
    assert len(server.seen) == 4, "a server that is known to tell it is not suspected"
    server.stop()


def test_a_stream_that_is_dropped_is_cut(server: Server, recorder: Recorder) -> None:
    stream = client(server).chat.completions.create(model="m", messages=ASK, stream=True)
    next(iter(stream))
    del stream
    gc.collect()  # a stream of this SDK refers to itself
    call = only(recorder)
    assert (call.status, call.usage_source, call.model, call.response_model) == ("cut", "missing", "m", "m-2026")


def test_a_stream_that_is_closed_unread_is_cut(server: Server, recorder: Recorder) -> None:
    stream = client(server).chat.completions.create(model="m", messages=ASK, stream=True)
    stream.close()
    assert only(recorder).status == "cut"


def test_a_stream_that_breaks_is_cut(server: Server, recorder: Recorder) -> None:
    with pytest.raises(Exception, match=BROKEN):
        ask_stream(client(server, "break:2"))
    assert (only(recorder).status, only(recorder).usage) == ("cut", NO_USAGE)


def test_a_packed_stream_is_read(server: Server, recorder: Recorder) -> None:
    assert len(ask_stream(client(server, "gzip"))) == 4
    assert only(recorder).usage == CHAT


def test_the_helper_for_streams(server: Server, recorder: Recorder) -> None:
    with client(server).chat.completions.stream(model="m", messages=ASK) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert kinds.count("content.delta") == 3
    assert final.usage is None
    assert only(recorder).usage == CHAT


def test_a_raw_stream(server: Server, recorder: Recorder) -> None:
    raw = client(server).chat.completions.with_raw_response.create(model="m", messages=ASK, stream=True)
    assert raw.status_code == 200
    assert len(list(raw.parse())) == 4
    assert only(recorder).usage == CHAT


def test_the_lines_of_a_stream(server: Server, recorder: Recorder) -> None:
    sdk = client(server)
    with sdk.chat.completions.with_streaming_response.create(model="m", messages=ASK, stream=True) as response:
        lines = [line for line in response.iter_lines() if line]
    assert len(lines) == 5
    assert lines[-1] == "data: [DONE]"
    assert only(recorder).usage == CHAT


def test_a_whole_answer_that_is_read_later(server: Server, recorder: Recorder) -> None:
    with client(server).chat.completions.with_streaming_response.create(model="m", messages=ASK) as response:
        assert response.parse().usage.prompt_tokens == 25
    assert (only(recorder).usage, only(recorder).stream) == (CHAT, False)


def test_a_whole_answer_that_is_read_in_part(server: Server, recorder: Recorder) -> None:
    with client(server).chat.completions.with_streaming_response.create(model="m", messages=ASK) as response:
        next(response.iter_bytes(10))
    assert (only(recorder).status, only(recorder).usage_source) == ("cut", "missing")


def test_a_raw_answer(server: Server, recorder: Recorder) -> None:
    raw = client(server).chat.completions.with_raw_response.create(model="m", messages=ASK)
    assert only(recorder).usage == CHAT, "it need not be parsed"
    assert raw.parse().usage.prompt_tokens == 25
    assert only(recorder).usage == CHAT


def test_a_parsed_answer(server: Server, recorder: Recorder) -> None:
    class Answer(pydantic.BaseModel):
        answer: int

    parsed = client(server).chat.completions.parse(model="m", messages=ASK, response_format=Answer)
    assert parsed.choices[0].message.parsed == Answer(answer=42)
    assert only(recorder).usage == CHAT


def test_a_text_completion(server: Server, recorder: Recorder) -> None:
    client(server).completions.create(model="m", prompt="what?")
    assert (only(recorder).usage, only(recorder).operation) == (CHAT, "text_completion")


def test_embeddings(server: Server, recorder: Recorder) -> None:
    client(server).embeddings.create(model="e", input="what?", encoding_format="float")
    call = only(recorder)
    assert (call.kind, call.model, call.usage, call.operation) == ("embedding", "e", Usage(13), "embeddings")


def test_a_response(server: Server, recorder: Recorder) -> None:
    assert client(server).responses.create(model="m", input="what?").output_text == TEXT
    assert (only(recorder).usage, only(recorder).response_id) == (RESPONSE, "resp_1")


def test_a_streamed_response(server: Server, recorder: Recorder) -> None:
    kinds = [event.type for event in client(server).responses.create(model="m", input="what?", stream=True)]
    assert kinds[-1] == "response.completed"
    assert (only(recorder).usage, only(recorder).status, only(recorder).stream) == (RESPONSE, "done", True)


def test_the_helper_for_streamed_responses(server: Server, recorder: Recorder) -> None:
    with client(server).responses.stream(model="m", input="what?") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == TEXT
    assert only(recorder).usage == RESPONSE


def test_a_streamed_response_that_breaks(server: Server, recorder: Recorder) -> None:
    with pytest.raises(Exception, match=BROKEN):
        list(client(server, "break:3").responses.create(model="m", input="what?", stream=True))
    assert (only(recorder).usage, only(recorder).status) == (NO_USAGE, "cut")


@pytest.mark.parametrize("stream", [False, True])
def test_azure(server: Server, recorder: Recorder, stream: bool) -> None:
    sdk = server.keep(openai.AzureOpenAI(api_key="k", azure_endpoint=server.url, api_version="2025-04-01-preview"))
    answer = sdk.chat.completions.create(model="deployed", messages=ASK, stream=stream)
    if stream:
        assert len(list(answer)) == 4
    assert server.seen[0][0] == "/openai/deployments/deployed/chat/completions"
    assert (only(recorder).usage, only(recorder).provider, only(recorder).model) == (CHAT, "azure", "deployed")


def test_results_of_a_batch_are_counted_once(server: Server, recorder: Recorder) -> None:
    sdk = client(server)
    for _ in range(2):
        assert len(sdk.files.content("file-1").text.splitlines()) == 2
    with sdk.files.with_streaming_response.content("file-2") as response:
        assert len(list(response.iter_lines())) == 2
    found = [(call.status, call.usage, call.processing) for call in calls(events(recorder))]
    assert found == [("done", CHAT, "batch"), ("failed", NO_USAGE, "batch")] * 2
    assert {(call.model, call.tries, call.request_ms) for call in calls(events(recorder)) if call.usage == CHAT} == {
        ("m-2026", None, None)
    }


def test_a_response_made_in_the_background_is_one_call(server: Server, recorder: Recorder) -> None:
    sdk = client(server)
    begun = sdk.responses.create(model="asked", input="what?", background=True)
    assert calls(events(recorder)) == []
    for _ in range(2):
        assert sdk.responses.retrieve(begun.id).status == "completed"
    call = only(recorder)
    assert (call.model, call.usage, call.status, call.response_id) == ("asked", RESPONSE, "done", "resp_background")


def test_a_stored_response_is_no_call(server: Server, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.capture.server.BACKGROUND", {"id": "resp_1"})
    sdk = client(server)
    sdk.responses.create(model="m", input="what?")
    sdk.responses.retrieve("resp_1")
    assert only(recorder).usage == RESPONSE
