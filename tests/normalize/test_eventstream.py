"""Streams of Amazon's events, however they are cut up."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.normalize.eventstream import EventStreamDecoder
from tests.capture.answers import THROTTLED, frame, frames, message_events

EVENTS = message_events("c")
WIRE = b"".join(frames(EVENTS))


def decoded(data: list[bytes]) -> list[object]:
    return [json.loads(event) for event in data]


@given(st.lists(st.integers(0, len(WIRE))))
def test_it_does_not_matter_where_chunks_begin(cuts: list[int]) -> None:
    decoder = EventStreamDecoder()
    edges = [0, *sorted(cuts), len(WIRE)]
    found = [event for begin, end in pairwise(edges) for event in decoder.feed(WIRE[begin:end])]
    assert decoded(found) == EVENTS
    assert decoder.close() == []


def test_frames_of_other_kinds_say_nothing() -> None:
    others = THROTTLED + frame({}) + frame({"bytes": "no base64"}) + frame({"bytes": 5})
    assert decoded(EventStreamDecoder().feed(others + WIRE)) == EVENTS


@pytest.mark.parametrize("wrong", [b"\xff" * 40, bytes(40), b"data: {}\n\n" * 4])
def test_what_is_no_frame_ends_it(wrong: bytes) -> None:
    decoder = EventStreamDecoder()
    assert decoded(decoder.feed(WIRE + wrong)) == EVENTS
    assert decoder.feed(WIRE) == []


@given(st.binary(max_size=200))
def test_whatever_comes_is_taken(data: bytes) -> None:
    assert isinstance(EventStreamDecoder().feed(data), list)
