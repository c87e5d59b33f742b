"""Lines over a socket, however they are cut up on the way."""

import socket
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from taximeter.run.channel import Channel

LINES = st.lists(st.binary(max_size=50).map(lambda line: line.replace(b"\n", b"")))


@given(lines=LINES, cuts=st.sets(st.integers(0, 500)))
def test_lines_arrive_whole_wherever_the_stream_is_cut(lines: list[bytes], cuts: set[int]) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = Channel(ours)
        heard: list[bytes] = []
        for begin, end in pairwise(sorted({0, len(stream)} | {cut for cut in cuts if cut < len(stream)})):
            theirs.sendall(stream[begin:end])
            heard += channel.receive()
        assert heard == lines
        assert not channel.ended


def test_a_line_that_the_end_cuts_off_is_dropped() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        channel = Channel(ours)
        with theirs:
            theirs.sendall(b"whole\ncut")
        assert channel.receive() == [b"whole"]
        assert channel.receive() == []
        assert channel.ended


def test_nothing_arrived_is_not_the_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        channel = Channel(ours)
        assert channel.receive() == []
        assert not channel.ended


def test_offers_are_dropped_when_the_other_end_does_not_read_and_ignored_when_it_is_gone() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        channel = Channel(ours)
        with theirs:
            for _ in range(10_000):
                channel.offer(b"x" * 100)
        channel.offer(b"to nobody")
        channel.send(b"to nobody")


def test_the_end_is_read_even_if_the_other_end_left_something_unread() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        channel = Channel(ours)
        with theirs:
            channel.offer(b"never read")
            theirs.sendall(b"last words\n")
        assert channel.receive() == [b"last words"]
        assert channel.receive() == []
        assert channel.ended
