"""The program sees nothing of the hooks, whatever happens in them."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import httpx2
import openai
import pytest
from openai import _base_client

import taximeter
from taximeter.capture import answer, exchange, google, mistral, stainless
from taximeter.recorder import guard
from taximeter.recorder.recorder import Recorder
from taximeter.usage import NO_USAGE
from tests.capture import answers
from tests.capture.server import Server
from tests.capture.test_openai import ASK, CHAT, ask_stream, async_client, client, only
from tests.recorder.events import calls, events


@contextmanager
def failing_hooks(monkeypatch: pytest.MonkeyPatch, where: Any, name: str) -> Iterator[None]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("a fault of ours")

    guard.forget()
    with monkeypatch.context() as patch:
        patch.setattr(where, name, fail)
        yield
    assert guard.failures["RuntimeError: a fault of ours"] > 0
    guard.forget()


@pytest.mark.parametrize(
    ("where", "name"),
    [(stainless, "asked"), (stainless, "chat_readings"), (exchange, "record_captured"), (exchange.Exchange, "call")],
)
def test_a_fault_of_ours_is_not_the_programs(
    server: Server, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    with failing_hooks(monkeypatch, where, name):
        assert client(server).chat.completions.create(model="m", messages=ASK).usage is not None


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (answer.AskedEvents, "feed"),
        (answer.AskedEvents, "take"),
        (answer.AskedEvents, "close"),
        (answer, "believed"),
        (stainless, "watch"),
        (exchange, "record_captured"),
    ],
)
def test_a_fault_of_ours_takes_nothing_from_a_stream(
    server: Server, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    with failing_hooks(monkeypatch, where, name):
        chunks = ask_stream(client(server))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == '{"answer": 42}'


@pytest.mark.parametrize("hook", [stainless.hook, google.hook, mistral.hook, mistral.hook_tries])
def test_an_sdk_that_is_made_otherwise_can_be_imported(hook: Any) -> None:
    guard.forget()
    hook(ModuleType("openai"))
    assert sum(guard.failures.values()) == 1
    guard.forget()


def test_types_and_signatures_stay(server: Server, recorder: Recorder) -> None:
    sdk = client(server)
    stream = sdk.chat.completions.create(model="m", messages=ASK, stream=True)
    assert type(stream) is openai.Stream
    assert isinstance(stream.response, httpx2.Response)
    assert list(inspect.signature(_base_client.SyncAPIClient.request).parameters)[:3] == ["self", "cast_to", "options"]
    assert inspect.iscoroutinefunction(async_client(server).request)
    assert not inspect.iscoroutinefunction(sdk.request)
    assert type(sdk.with_raw_response.models.list()).__name__ == "LegacyAPIResponse"
    stream.close()


@pytest.mark.parametrize("way", ["with_raw_response", "with_streaming_response"])
def test_no_answer_is_kept_alive(server: Server, recorder: Recorder, way: str) -> None:
    gc.collect()
    gc.disable()
    try:
        asked = getattr(client(server).chat.completions, way).create(model="m", messages=ASK)
        if way == "with_raw_response":
            gone = weakref.ref(asked.http_response)
        else:
            with asked as response:
                gone = weakref.ref(response.http_response)
                response.read()
            del response
        del asked
        assert gone() is None
    finally:
        gc.enable()
    assert only(recorder).usage == CHAT


def test_what_the_program_gave_stays_as_it_was(server: Server, recorder: Recorder) -> None:
    body = {"top_k": 3}
    ask_stream(client(server), extra_body=body)
    assert body == {"top_k": 3}
    assert server.seen[0][1]["top_k"] == 3


def test_many_at_once_are_many(server: Server, recorder: Recorder) -> None:
    async def ask() -> None:
        async with async_client(server) as sdk:
            create: Any = sdk.chat.completions.create

            async def one(number: int) -> None:
                with taximeter.record_stage(f"s{number}"):
                    answer = await create(model=f"m{number}", messages=ASK, stream=number % 2 == 1)
                    if number % 2:
                        async for _ in answer:
                            pass

            await asyncio.gather(*(one(number) for number in range(20)))

    asyncio.run(ask())
    assert {(call.model, call.stage_id, call.usage) for call in calls(events(recorder))} == {
        (f"m{number}", f"s{number}", CHAT) for number in range(20)
    }
    assert len(calls(events(recorder))) == 20


def test_threads_share_a_client(server: Server, recorder: Recorder) -> None:
    sdk = client(server)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: ask_stream(sdk), range(12)))
    assert [call.usage for call in calls(events(recorder))] == [CHAT] * 12


def test_a_request_that_nobody_waits_for_any_more_is_cut(server: Server, recorder: Recorder) -> None:
    async def ask() -> None:
        async with async_client(server, "slow", max_retries=0) as sdk:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(sdk.chat.completions.create(model="m", messages=ASK), 0.3)

    asyncio.run(ask())
    assert (only(recorder).status, only(recorder).usage) == ("cut", NO_USAGE)


def test_a_stream_belongs_to_the_span_in_which_it_began(server: Server, recorder: Recorder) -> None:
    sdk = client(server)
    with taximeter.session("u1"), taximeter.tags(team="x"), taximeter.record_stage("asking"):
        stream = sdk.chat.completions.create(model="m", messages=ASK, stream=True)
    with taximeter.tags(team="y"), taximeter.record_stage("reading"):
        thread = threading.Thread(target=lambda: list(stream))
        thread.start()
        thread.join()
    call = only(recorder)
    assert (call.stage_id, call.session_id, call.tags, call.usage) == ("asking", "u1", {"team": "x"}, CHAT)


def test_a_call_counts_in_the_span_around_it(server: Server, recorder: Recorder) -> None:
    with taximeter.record_stage("s"), taximeter.span("inner"):
        client(server).chat.completions.create(model="m", messages=ASK)
    found = {event["span"]: event for event in recorder.get_all_events() if event["schema_version"] == "span_v1"}
    assert (
        found["s"]["tokens"]
        == found["inner"]["tokens"]
        == {
            "input_tokens": 25,
            "output_tokens": 7,
            "cache_read_input_tokens": 5,
            "reasoning_output_tokens": 2,
        }
    )


def test_a_figure_that_cannot_be_true_is_rejected_and_the_call_counted(
    server: Server, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard.forget()
    monkeypatch.setitem(answers.CHAT_USAGE, "prompt_tokens", -1)
    client(server).chat.completions.create(model="m", messages=ASK)
    assert (only(recorder).usage_source, guard.losses["rejected"]) == ("missing", 1)


def test_where_nobody_meters_any_more_nothing_is_recorded(server: Server, recorder: Recorder) -> None:
    stream = client(server).chat.completions.create(model="m", messages=ASK, stream=True)
    taximeter.disable()
    assert len(list(stream)) == 4
    client(server).chat.completions.create(model="m", messages=ASK)
    assert guard.failures.total() == 0
