"""Prompts and answers are recorded by nobody who has not asked for them, and pass a hook before any sink."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

import taximeter
from taximeter.capture.content import Content
from taximeter.events import Event
from taximeter.recorder.recorder import Recorder
from tests.capture import test_google, test_mistral, test_openai
from tests.capture.answers import TEXT
from tests.capture.server import Server
from tests.capture.test_openai import only
from tests.recorder.events import calls, read

CANARY = "cAnArYprompt"
ANSWER = TEXT[2:5]
"""The beginning of what every model says, which streams say first."""

ASK: list[Any] = [{"role": "user", "content": CANARY}]


def _openai(server: Server, stream: bool) -> None:
    answer = test_openai.client(server).chat.completions.create(model="m", messages=ASK, stream=stream)
    if stream:
        list(answer)


def _raw(server: Server, stream: bool) -> None:
    with test_openai.client(server).chat.completions.with_streaming_response.create(
        model="m", messages=ASK, stream=stream
    ) as raw:
        raw.read()


def _anthropic(server: Server, stream: bool) -> None:
    sdk = server.keep(anthropic.Anthropic(api_key="k", base_url=server.url))
    answer = sdk.messages.create(model="m", max_tokens=9, messages=ASK, stream=stream)
    if stream:
        list(answer)


def _google(server: Server, stream: bool) -> None:
    models = test_google.client(server).models
    if stream:
        list(models.generate_content_stream(model="g", contents=CANARY))
    else:
        models.generate_content(model="g", contents=CANARY)


def _mistral(server: Server, stream: bool) -> None:
    chat = test_mistral.client(server).chat
    if stream:
        with chat.stream(model="m", messages=ASK) as events:
            list(events)
    else:
        chat.complete(model="m", messages=ASK)


Way = Callable[[Server, bool], None]
WAYS = pytest.mark.parametrize("way", [_openai, _raw, _anthropic, _google, _mistral])
STREAMED = pytest.mark.parametrize("stream", [False, True])


@pytest.fixture
def file(tmp_path: Path, recorder: Recorder) -> Iterator[Path]:
    recorder.enable(sink=f"jsonl:{tmp_path}/e.jsonl")
    yield tmp_path / "e.jsonl"
    taximeter.disable()


@WAYS
@STREAMED
def test_nothing_of_it_is_written_unasked(server: Server, file: Path, way: Way, stream: bool) -> None:
    way(server, stream)
    assert CANARY in str(server.seen)
    taximeter.disable()
    written = file.read_text()
    assert len(calls(read(file))) == 1
    assert CANARY not in written
    assert ANSWER not in written


@WAYS
@STREAMED
def test_who_asks_for_it_has_it(server: Server, recorder: Recorder, way: Way, stream: bool) -> None:
    recorder.enable(content=True)
    way(server, stream)
    meta = only(recorder).meta or {}
    assert CANARY in str(meta["request"])
    assert isinstance(meta["response"], list if stream else dict)
    assert ANSWER in str(meta["response"])


def test_the_environment_may_ask_for_it(server: Server, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    taximeter.disable()
    monkeypatch.setenv("TAXIMETER_CONTENT", "1")
    recorder.enable(sink="memory:")
    _openai(server, False)
    assert CANARY in str(only(recorder).meta)


def test_a_request_that_fails_has_what_was_asked(server: Server, recorder: Recorder) -> None:
    recorder.enable(content=True)
    with pytest.raises(openai.InternalServerError):
        test_openai.client(server, "fail:500:99", max_retries=0).chat.completions.create(model="m", messages=ASK)
    call = only(recorder)
    assert call.status == "failed"
    assert call.meta is not None
    assert call.meta.keys() == {"request"}


def test_a_hook_comes_first(server: Server, file: Path, recorder: Recorder) -> None:
    def hide(event: Event) -> Event:
        if event.meta and "request" in event.meta:
            event.meta["request"] = "hidden"
        return event

    recorder.enable(content=True, redact=hide)
    _openai(server, False)
    taximeter.disable()
    assert CANARY not in file.read_text()
    (call,) = calls(read(file))
    assert call.meta is not None
    assert call.meta["request"] == "hidden"


def test_what_the_program_does_with_its_lists_later_does_not_count() -> None:
    content, asked = Content(), {"messages": ["one"]}
    content.ask(asked)
    asked["messages"].append("two")
    assert content.meta(False) == {"request": {"messages": ["one"]}}


@pytest.mark.parametrize("body", [b"\xff", {1: {2: "\ud800"}}, object(), None])
def test_no_body_is_too_strange_to_be_asked(body: object) -> None:
    content = Content()
    content.ask(body)
    assert content.meta(False).keys() <= {"request"}


def test_whatever_it_is_nothing_is_raised_and_what_is_kept_is_bounded() -> None:
    content = Content()
    content.ask({"file": object(), "left_out": None, "n": 1})
    for _ in range(1_000):
        content.tell(b"\xff" * 1_000)
    content.tell(b"[DONE]")
    kept = content.meta(True)
    assert kept["request"] == {"n": 1}
    assert 262 <= len(kept["response"]) <= 264
