"""What an answer says that it used, read off a copy of it while it goes by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from taximeter.normalize.fields import text
from taximeter.normalize.read import read
from taximeter.normalize.reading import Reading, UsageError
from taximeter.normalize.sse import SseDecoder
from taximeter.normalize.stream import StreamReader
from taximeter.proxy.coding import CodingError, Decoder, decoder
from taximeter.recorder.guard import guarded

_LONGEST = 64 * 2**20
"""Bytes of a document that are kept to be read; of a longer one nothing is known."""

_HEAVY = 2**20
"""Bytes of a member that is text, vectors or pictures and never a usage: it is not taken apart."""

_UNFINISHED = ("queued", "in_progress")
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Answer:
    """Takes the body of one response piece by piece. Whatever it is, it never stops the body on its way."""

    def __init__(self, coding: str, provider: str) -> None:
        self._provider = provider
        self._body: _Body = _Unknown(provider)
        self._decoder: Decoder | None = None
        self.trouble: str | None = None
        """Why it cannot be read; None if it can."""

        try:
            self._decoder = decoder(coding)
        except CodingError as error:
            self.trouble = str(error)

    @guarded
    def feed(self, chunk: bytes) -> None:
        """One more piece, as it was sent."""
        if self._decoder is None:
            return
        try:
            self._body = self._body.feed(self._decoder.feed(chunk))
        except CodingError as error:
            self.trouble, self._decoder = str(error), None

    @property
    def is_stream(self) -> bool:
        """Whether it came as a stream of events."""
        return isinstance(self._body, _Events)

    @property
    def ended(self) -> bool:
        """Whether the provider has said that this was all; a document says it by its end alone."""
        return isinstance(self._body, _Events) and self._body.reader.ended

    def pending(self) -> str | None:
        """Id of a response that is still being made, if this says no more."""
        return self._body.pending() if isinstance(self._body, _Document) else None

    def readings(self) -> tuple[Reading, ...]:
        """What it said; nothing of it is known if it is of no known shape. RejectedUsageError as `read`."""
        try:
            return self._body.readings()
        except _NOT_JSON as error:
            raise UsageError(f"the response is no JSON: {error!s:.100}") from None


class _Unknown:
    """The first bytes decide what it is."""

    def __init__(self, provider: str) -> None:
        self._provider = provider

    def feed(self, data: bytes) -> _Body:
        start = data.lstrip(b"\xef\xbb\xbf \t\r\n")
        if not start:
            return self
        body: _Body = _Document(self._provider) if start[:1] in (b"{", b"[") else _Events(self._provider)
        return body.feed(data)

    def readings(self) -> tuple[Reading, ...]:
        raise UsageError("the response is empty")


class _Events:
    """Server-sent events; of a body that is none of the known kinds it finds none."""

    def __init__(self, provider: str) -> None:
        self._sse = SseDecoder()
        self.reader = StreamReader(provider)

    def feed(self, data: bytes) -> _Events:
        for event in self._sse.feed(data):
            self.reader.take_data(event)
        return self

    def readings(self) -> tuple[Reading, ...]:
        for event in self._sse.close():
            self.reader.take_data(event)
        return self.reader.readings()


class _Document:
    """A JSON document; a list is the stream of Gemini without `alt=sse`."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._data = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> _Document:
        self._too_long = self._too_long or len(self._data) + len(data) > _LONGEST
        if self._too_long:
            self._data.clear()
        else:
            self._data += data
        return self

    def pending(self) -> str | None:
        try:
            response = _light(bytes(self._data))
        except _NOT_JSON:
            return None
        return text(response, "id") if response.get("status") in _UNFINISHED else None

    def readings(self) -> tuple[Reading, ...]:
        if self._too_long:
            raise UsageError(f"the response is longer than {_LONGEST} bytes")
        data = bytes(self._data).strip()
        if not data.startswith(b"["):
            return read(_light(data), self._provider)
        reader = StreamReader(self._provider)
        for element in _elements(data.decode(errors="replace")):
            reader.take(element)
        return reader.readings()


_Body = _Unknown | _Events | _Document


def _light(data: bytes) -> dict[str, Any]:
    """The document without what is too heavy to be a usage."""
    return {
        name: [] if len(value) > _HEAVY else msgspec.json.decode(value) for name, value in _members.decode(data).items()
    }


def _elements(listed: str) -> Iterator[Any]:
    """The elements of a list of which the end may be missing."""
    decoder, place = json.JSONDecoder(), 1
    while True:
        while place < len(listed) and listed[place] in " \t\r\n,":
            place += 1
        try:
            element, place = decoder.raw_decode(listed, place)
        except (ValueError, RecursionError):
            return
        yield element
