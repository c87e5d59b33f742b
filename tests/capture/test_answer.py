"""Bytes that go by: whatever pieces they come in, the program sees all but the usage that it did not ask for."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import taximeter
from taximeter.capture.answer import Answer, AskedEvents, Events, Whole
from taximeter.capture.exchange import Asked, Exchange
from taximeter.recorder.captured import Where, here
from taximeter.usage import Usage
from tests.capture import answers
from tests.capture.test_openai import CHAT

STREAM = answers.sse(answers.chat_chunks("m", answers.CHAT_USAGE), done=True)
SHOWN = [piece for piece in STREAM if b'"choices": []' not in piece]


class Kept(Exchange):
    """An exchange that keeps what it would record."""

    def __init__(self, where: Where) -> None:
        super().__init__(Asked("openai", "/chat/completions", "llm", None, "m", True), where)
        self.calls: list[taximeter.CallEvent] = []

    def record(self, call: taximeter.CallEvent) -> None:
        self.calls.append(call)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path: Path = tmp_path_factory.mktemp("sink") / "events.jsonl"
    taximeter.enable(sink=f"jsonl:{path}")
    place = here()
    taximeter.disable()
    return place


def read(answer: Answer, data: bytes, cuts: list[int]) -> bytes:
    ends = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    seen = b"".join(answer.feed(data[begin:end]) for begin, end in pairwise(ends))
    seen += answer.rest()
    answer.close()
    return seen


@given(cuts=st.lists(st.integers(0, 10_000), max_size=30), newline=st.sampled_from([b"\n", b"\r\n"]))
def test_of_a_stream_all_is_shown_but_the_usage(where: Where, cuts: list[int], newline: bytes) -> None:
    exchange = Kept(where)
    data = b"".join(STREAM).replace(b"\n", newline)
    assert read(AskedEvents(exchange), data, cuts) == b"".join(SHOWN).replace(b"\n", newline)
    assert [(call.usage, call.status) for call in exchange.calls] == [(CHAT, "done")]


@given(cuts=st.lists(st.integers(0, 10_000), max_size=30), kind=st.sampled_from([Events, Whole]))
def test_other_answers_are_shown_as_they_are(where: Where, cuts: list[int], kind: type[Events | Whole]) -> None:
    exchange = Kept(where)
    data = b"".join(STREAM) if kind is Events else b'{"choices": [], "usage": {"prompt_tokens": 3}}'
    assert read(kind(exchange), data, cuts) == data
    assert [call.usage for call in exchange.calls] == [CHAT if kind is Events else Usage(3)]


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"data: {\n\n", b": comment\n\ndata: x", b"\xff\xfe\n\n", b"data: [DONE]"]
)
def test_what_is_no_stream_is_shown_as_it_is(where: Where, data: bytes) -> None:
    exchange = Kept(where)
    assert read(AskedEvents(exchange), data, [3]) == data
    assert [(call.usage_source, call.status) for call in exchange.calls] == [("missing", "cut")]


def test_the_first_chunk_of_azure_has_no_choices_and_is_shown(where: Where) -> None:
    first = b'data: {"choices":[],"id":"","model":"","object":"","prompt_filter_results":[]}\n\n'
    exchange = Kept(where)
    assert read(AskedEvents(exchange), first + b"".join(STREAM), []) == first + b"".join(SHOWN)
    assert exchange.calls[0].usage == CHAT


def test_a_usage_beside_choices_is_shown(where: Where) -> None:
    last = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3}}\n\n'
    exchange = Kept(where)
    assert read(AskedEvents(exchange), last + b"data: [DONE]\n\n", []) == last + b"data: [DONE]\n\n"
    assert exchange.calls[0].usage == Usage(3)


@pytest.mark.parametrize(
    "text", ['"finish_reason":null', '"usage":null', 'finish_reason "usage"', "[DONE]", '"choices":[]']
)
def test_what_a_model_says_of_streams_confuses_nobody(where: Where, text: str) -> None:
    chunks = answers.chat_chunks("m", answers.CHAT_USAGE)
    chunks[1]["choices"][0]["delta"]["content"] = text
    exchange = Kept(where)
    shown = read(AskedEvents(exchange), b"".join(answers.sse(chunks, done=True)), [])
    assert shown == b"".join(answers.sse(chunks[:-1], done=True))
    assert [(call.usage, call.status) for call in exchange.calls] == [(CHAT, "done")]
