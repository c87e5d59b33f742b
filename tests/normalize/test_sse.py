"""Server-sent events, however they are cut into pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.normalize import sse
from taximeter.normalize.sse import SseDecoder


def events(*chunks: bytes) -> list[bytes]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.close()


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b": a comment\ndata: a\n: another\ndata: b\n\n", [b"a\nb"]),
        (b"event: x\nid: 7\nretry: 1\ndata:a\n\n", [b"a"]),
        (b"data:  two blanks\n\n", [b" two blanks"]),
        (b"event: nothing\n\n\n\n: ping\n\n", []),
        (b"data: the end is missing", [b"the end is missing"]),
        (b"data: \xff\xfe\n\n", [b"\xff\xfe"]),
        (b"", []),
    ],
)
def test_what_an_event_is(stream: bytes, expected: list[bytes]) -> None:
    assert events(stream) == expected


LINES = st.lists(st.sampled_from([b"data: a", b"data: bc", b": x", b"event: e", b"", b""]), max_size=12)


@given(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(0, 80), max_size=6), st.booleans())
def test_it_does_not_matter_where_a_stream_is_cut_into_chunks(
    lines: list[bytes], end: bytes, cuts: list[int], has_bom: bool
) -> None:
    stream = (b"\xef\xbb\xbf" if has_bom else b"") + b"".join(line + end for line in lines)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(places)]
    assert events(*chunks) == events(stream)


def test_an_event_without_end_takes_no_more_memory_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_LONGEST", 100)
    decoder = SseDecoder()
    for _ in range(50):
        assert decoder.feed(b"data: " + b"x" * 50) == []
    assert decoder.feed(b"\n\ndata: a\n\n") == [b"a"]
    assert events(b"data: " + b"x" * 60 + b"\n", b"data: " + b"x" * 60 + b"\n\ndata: a\n\n") == [b"a"]
