"""However the network cuts a body into pieces, the same comes out."""

from __future__ import annotations

import contextlib
import gzip
import json
import zlib
from itertools import pairwise
from typing import Any

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from taximeter.normalize.reading import UsageError
from taximeter.proxy.answer import Answer
from taximeter.proxy.coding import CodingError, decoder
from taximeter.proxy.hiding import Hiding
from taximeter.proxy.question import asking, question
from taximeter.recorder import guard
from tests.proxy.upstream import CODINGS

TOLD = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
CUTS = st.lists(st.integers(0, 2000), max_size=12)
ENDS = st.sampled_from(["\n\n", "\r\n\r\n", "\r\r"])


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted({place % (len(data) + 1) for place in at}), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


def event(choices: list[Any], usage: Any = None) -> str:
    return "data: " + json.dumps({"id": "c", "model": "gpt-5", "choices": choices, "usage": usage})


SHOWN = [
    event([{"delta": {"content": 'the "usage" of it: {"choices": [], "usage": {}}'}}]),
    event([{"delta": {"content": "x"}, "finish_reason": "stop"}], TOLD),
    ": a comment",
    "event: ping\ndata: {}",
    "data: [DONE]",
    'data: {"usage": "no object", "choices": []}',
    'data: "usage", and no JSON',
]
HIDDEN = event([], TOLD)


@given(shown=st.lists(st.sampled_from(SHOWN), max_size=6), place=st.integers(0, 6), end=ENDS, cuts=CUTS)
def test_only_the_chunk_with_nothing_but_usage_is_hidden(
    shown: list[str], place: int, end: str, cuts: list[int]
) -> None:
    every = [*shown[:place], HIDDEN, *shown[place:]]
    hiding = Hiding(decoder(""))
    got = b"".join(map(hiding.feed, cut("".join(one + end for one in every).encode(), cuts))) + hiding.close()
    assert got == "".join(one + end for one in shown).encode()


def test_an_event_is_passed_on_as_soon_as_its_end_is_there() -> None:
    hiding = Hiding(decoder(""))
    assert hiding.feed(b"data: 1") == b""
    assert hiding.feed(b"\n\ndata: 2") == b"data: 1\n\n"
    assert hiding.close() == b"data: 2"
    assert hiding.feed(HIDDEN.encode()) + hiding.close() == b"", "also if its end is missing"


def test_an_event_without_end_is_not_held_back_for_ever() -> None:
    hiding = Hiding(decoder(""))
    assert len(b"".join(hiding.feed(b"x" * 100_000) for _ in range(20))) > 900_000


STREAM = "".join(f"{one}\n\n" for one in (*SHOWN[:2], HIDDEN, "data: [DONE]")).encode()
DOCUMENT = json.dumps({"model": "gpt-5", "choices": [{"message": {"content": "ü" * 300}}], "usage": TOLD}).encode()
ARRAY = json.dumps(
    [{"candidates": [], "modelVersion": "g", "usageMetadata": {"promptTokenCount": 11, "totalTokenCount": 11}},
     {"candidates": [{"finishReason": "STOP"}],
      "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}}]
).encode()  # fmt: skip


@given(
    body=st.sampled_from([STREAM, DOCUMENT, ARRAY, b"\n" + ARRAY]), coding=st.sampled_from(["", *CODINGS]), cuts=CUTS
)
def test_usage_is_read_whatever_the_pieces_and_the_coding(body: bytes, coding: str, cuts: list[int]) -> None:
    answer = Answer(coding, "openai")
    for piece in cut(CODINGS[coding](body) if coding else body, cuts):
        answer.feed(piece)
    [reading] = answer.readings()
    assert (reading.usage.input_tokens, reading.usage.output_tokens, reading.status) == (11, 7, "done")
    assert answer.trouble is None


@given(body=st.sampled_from([STREAM, DOCUMENT, ARRAY]), length=st.integers(0, 400))
def test_what_is_cut_off_is_never_taken_for_whole(body: bytes, length: int) -> None:
    """It has a reading that is `cut`, or none at all."""
    answer = Answer("", "openai")
    answer.feed(body[: min(length, len(body) - 200)])
    try:
        [reading] = answer.readings()
    except UsageError:
        return
    assert reading.status == "cut"
    assert reading.usage.output_tokens is None


def test_what_goes_wrong_in_reading_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr("taximeter.proxy.answer.StreamReader.take_data", breaks)
    answer = Answer("", "openai")
    answer.feed(STREAM)
    assert guard.failures["ZeroDivisionError: a mistake of ours"] == 1
    guard.forget()


def test_an_answer_that_is_nothing_known_has_no_reading() -> None:
    for body in (b"", b"  ", b"{", b'{"a": 1}', b"[]", b"RIFF\x00\x01\xff", b"<html>", b"{" * 5000):
        answer = Answer("", "openai")
        answer.feed(body)
        with contextlib.suppress(UsageError):
            assert [reading.usage.input_tokens for reading in answer.readings()] == [None], body


def test_heavy_members_are_not_taken_apart() -> None:
    answer = Answer("", "openai")
    vectors = [{"embedding": [0.123456789] * 200_000}]
    answer.feed(json.dumps({"object": "list", "model": "m", "data": vectors, "usage": {"prompt_tokens": 8}}).encode())
    assert answer.readings()[0].usage.input_tokens == 8


def test_a_document_without_end_is_let_go() -> None:
    answer = Answer("", "openai")
    for _ in range(70):
        answer.feed(b"{" + b" " * 2**20)
    with pytest.raises(UsageError, match="longer than"):
        answer.readings()


@given(data=st.binary(max_size=3000), coding=st.sampled_from(list(CODINGS)), cuts=CUTS)
def test_a_coding_is_undone_piece_by_piece(data: bytes, coding: str, cuts: list[int]) -> None:
    undo = decoder(coding)
    assert b"".join(map(undo.feed, cut(CODINGS[coding](data), cuts))) == data


def test_codings_in_all_their_forms() -> None:
    raw = zlib.compressobj(wbits=-15)
    assert decoder("deflate").feed(raw.compress(b"raw") + raw.flush()) == b"raw"
    assert decoder(" GZIP ").feed(gzip.compress(b"one") + gzip.compress(b"two")) == b"onetwo"
    assert decoder("zstd").feed(zstd.compress(b"one") + zstd.compress(b"two")) == b"onetwo"
    for coding in CODINGS:
        with pytest.raises(CodingError):
            decoder(coding).feed(b"this is not in that coding, as anybody can see")
    for coding in ("compress", "gzip, br", "\x00"):
        with pytest.raises(CodingError):
            decoder(coding)


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = LEAVES | st.lists(LEAVES, max_size=3) | st.dictionaries(st.text(), LEAVES, max_size=3)


@settings(max_examples=40)
@given(more=st.dictionaries(st.text(), VALUES, max_size=5), options=st.dictionaries(st.text(), VALUES, max_size=2))
def test_only_the_question_for_usage_is_added(more: dict[str, Any], options: dict[str, Any]) -> None:
    options.pop("include_usage", None)
    given_body = {**more, "stream": True, "stream_options": options, "model": "m"}
    body = asking(json.dumps(given_body).encode())
    assert body is not None
    assert json.loads(body) == {**given_body, "stream_options": {**options, "include_usage": True}}


def test_values_stay_byte_by_byte() -> None:
    body = b'{"stream":true , "n": 1.00, "big": 123456789012345678901234567890, "text": "\\u00fc\\/"}'
    asked = asking(body)
    assert asked is not None
    for value in (b"1.00", b"123456789012345678901234567890", b'"\\u00fc\\/"'):
        assert value in asked


def test_what_is_no_streamed_chat_is_not_asked() -> None:
    for body in (
        b"",
        b"[]",
        b"nonsense",
        b'{"stream": false}',
        b'{"stream": "true"}',
        b'{"stream": true, "stream_options": {"include_usage": true}}',
        b'{"stream": true, "stream_options": {"include_usage": false}}',
        b'{"stream": true, "stream_options": 1}',
        b"\xff\xfe",
        b"[" * 100_000,
    ):
        assert asking(body) is None, body[:40]
        assert question(body[:40]).model is None
