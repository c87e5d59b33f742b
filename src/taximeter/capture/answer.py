"""What is done with an answer while the program reads it: its bytes go by, and what it used is kept."""

from __future__ import annotations

import re
from time import perf_counter_ns
from typing import Protocol

import msgspec

from taximeter.capture.body import believed, readings
from taximeter.capture.exchange import Exchange
from taximeter.normalize.eventstream import EventStreamDecoder
from taximeter.normalize.sse import SseDecoder
from taximeter.normalize.stream import StreamReader

_BLOCK = re.compile(rb".*?(?:\n\r?\n|\r\r)", re.DOTALL)
_BLANK = (b"\n\n", b"\n\r\n", b"\r\r")
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_LAST = (b"[DONE]", b'"message_stop"', b'"response.completed"', b'"response.incomplete"', b'"response.failed"')
_GOES_ON = (b'{"type":"content_block_delta"', b'{"type":"response.output_text.delta"')
_LONGEST = 64 * 2**20
"""Bytes of an answer that is not a stream; of a longer one the usage is not known."""


def _says_nothing(data: bytes) -> bool:
    """Whether an event only goes on with the text: most do, and need not be decoded."""
    if data.startswith(_GOES_ON):
        return True
    if b'"finish_reason":null' not in data and b'"finish_reason": null' not in data:
        return False
    if data.count(b"finish_reason") != 1:  # a chunk of several choices, or one that speaks of it
        return False
    return b'"usage"' not in data or b'"usage":null' in data or b'"usage": null' in data


def _has_choices(chunk: bytes) -> bool:
    """Whether surely each event has choices; written as almost all servers write it, a regular expression is spared."""
    if b'"choices":[{' in chunk:
        return b'"choices":[]' not in chunk and b'"choices": []' not in chunk
    return not _NO_CHOICES.search(chunk)


def _behind_blank(data: bytes, begin: int, end: int) -> int:
    """Where the last event begins in this part of a stream: behind its last blank line."""
    found = ((data.rfind(blank, begin, end), len(blank)) for blank in _BLANK)
    return max((at + length for at, length in found if at >= 0), default=begin)


class Answer(Protocol):
    """Takes the bytes of one answer, and gives those that the program may see."""

    held: bytes
    """What the program has not seen yet."""

    def feed(self, chunk: bytes) -> bytes:
        """The next bytes."""

    def rest(self) -> bytes:
        """What was held back; the answer is at its end."""

    def close(self) -> None:
        """Nobody reads any further."""


class Events:
    """A stream of events, server-sent ones unless another decoder is given. It is recorded as soon as the last of them
    is there, or nobody reads any more."""

    held = b""

    def __init__(self, exchange: Exchange, decoder: SseDecoder | EventStreamDecoder | None = None) -> None:
        self._exchange = exchange
        self._decoder = decoder or SseDecoder()
        self._reader = StreamReader(exchange.asked.provider)

    def feed(self, chunk: bytes) -> bytes:
        for data in self._decoder.feed(chunk):
            self.take(data)
        return chunk

    def take(self, data: bytes) -> None:
        """The data of one event."""
        exchange = self._exchange
        exchange.tells(data)
        if exchange.first_ns is None:
            if b"delta" in data or b'"text"' in data:
                exchange.first_ns = perf_counter_ns()
        elif _says_nothing(data):
            return
        self._reader.take_data(data)
        if self._reader.ended and (any(mark in data for mark in _LAST) or _NO_CHOICES.search(data)):
            self.close()

    def rest(self) -> bytes:
        for data in self._decoder.close():
            self.take(data)
        return b""

    def close(self) -> None:
        if not self._exchange.is_answered:
            self._exchange.answered(believed(self._reader.readings))


class AskedEvents(Events):
    """The same for a stream whose usage the program did not ask for: the event that has it is kept from the program."""

    def feed(self, chunk: bytes) -> bytes:
        held = self.held + chunk
        end = _behind_blank(held, 0, len(held))
        ready, shown, begin = held[:end], [], 0
        for found in () if _has_choices(ready) else _NO_CHOICES.finditer(ready):
            start = _behind_blank(ready, begin, found.start())
            block = _BLOCK.match(ready, start)
            if block is None or found.start() < begin:
                continue
            shown.append(self._passed(ready[begin:start]))
            if not self._is_usage(self._decoder.feed(block[0])):
                shown.append(block[0])
            begin = block.end()
        shown.append(self._passed(ready[begin:]))
        self.held = held[end:]
        return b"".join(shown)

    def _passed(self, events: bytes) -> bytes:
        """Events with choices, all of which the program may see."""
        for data in self._decoder.feed(events):
            self.take(data)
        return events

    def rest(self) -> bytes:
        held, self.held = self.held, b""
        events = [*self._decoder.feed(held), *self._decoder.close()]
        return b"" if self._is_usage(events) else held

    def _is_usage(self, events: list[bytes]) -> bool:
        for data in events:
            self.take(data)
        return any(_NO_CHOICES.search(data) and _tells_usage(data) for data in events)


def _tells_usage(data: bytes) -> bool:
    try:
        return bool(msgspec.json.decode(data).get("usage"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, AttributeError):
        return False


class Whole:
    """An answer that the program reads piece by piece, and that can be read only when all of it is there."""

    held = b""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._body = bytearray()
        self._is_whole = False

    def feed(self, chunk: bytes) -> bytes:
        if len(self._body) <= _LONGEST:
            self._body += chunk
        return chunk

    def rest(self) -> bytes:
        self._is_whole = True
        return b""

    def close(self) -> None:
        if self._exchange.is_answered:
            return
        if self._is_whole:
            self._exchange.tells(bytes(self._body))
            self._exchange.answered(readings(bytes(self._body), self._exchange.asked.provider))
        else:
            self._exchange.ended("cut")
