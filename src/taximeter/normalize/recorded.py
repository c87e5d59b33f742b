"""Readings of what somebody recorded: a JSON document, JSON lines, or a stream of server-sent events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from taximeter.normalize.fields import fields
from taximeter.normalize.read import read
from taximeter.normalize.reading import Reading, UsageError
from taximeter.normalize.sse import SseDecoder
from taximeter.normalize.stories import is_event
from taximeter.normalize.stream import StreamReader

_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_BOM = b"\xef\xbb\xbf"
_SSE = (b"data:", b"event:", b"id:", b"retry:", b":")
_RESPONSE_IDS = ("responseId", "response_id")


class Found(msgspec.Struct, frozen=True):
    """What one response of a record said, or why nobody can tell."""

    line: int | None
    """Where it begins, from 1; None in a document that is not made of lines."""

    readings: tuple[Reading, ...] = ()
    error: str | None = None


def read_recorded(data: bytes, provider: str | None = None) -> list[Found]:
    """The readings of each response, in order. What cannot be read is told in its place, and hides nothing else.

    A list is one of responses, or of the chunks of one stream.
    """
    data = data.removeprefix(_BOM)
    if not data.strip():
        return []
    if data.lstrip().startswith(_SSE):
        return _of_stream(data, provider)
    try:
        document = msgspec.json.decode(data)
    except _NOT_JSON as error:
        if data.count(b"\n", 0, len(data.rstrip())) == 0:
            return [Found(1, error=f"it is neither JSON nor a stream of events: {error}")]
        return list(_of_values(_lines(data), provider))
    values = document if isinstance(document, list) else [document]
    return list(_of_values(((None, value) for value in values), provider))


def _lines(data: bytes) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                yield number, msgspec.json.decode(line)
            except _NOT_JSON as error:
                yield number, UsageError(f"it is not JSON: {error}")


def _of_values(values: Iterable[tuple[int | None, Any]], provider: str | None) -> Iterator[Found]:
    """Responses one by one; the pieces of a stream, as they follow each other, together."""
    stream: StreamReader | None = None
    begin, streamed_id = None, None
    for line, value in values:
        if isinstance(value, UsageError):
            yield Found(line, error=str(value))
            continue
        gemini_id = next((fields(value)[name] for name in _RESPONSE_IDS if name in fields(value)), None)
        is_piece = gemini_id is not None or is_event(value)
        if stream is not None and not (is_piece and gemini_id == streamed_id and stream.continues(value)):
            yield _found(begin, stream)
            stream = None
        if is_piece:
            if stream is None:
                stream, begin, streamed_id = StreamReader(provider), line, gemini_id
            stream.take(value)
        else:
            yield _of_value(line, value, provider)
    if stream is not None:
        yield _found(begin, stream)


def _of_value(line: int | None, value: Any, provider: str | None) -> Found:
    try:
        return Found(line, read(value, provider))
    except UsageError as error:
        return Found(line, error=str(error))


def _found(line: int | None, stream: StreamReader) -> Found:
    try:
        return Found(line, stream.readings())
    except UsageError as error:
        return Found(line, error=str(error))


def _of_stream(data: bytes, provider: str | None) -> list[Found]:
    decoder = SseDecoder()
    stream, found = StreamReader(provider), []
    for event in [*decoder.feed(data), *decoder.close()]:
        try:
            value = msgspec.json.decode(event)
        except _NOT_JSON:
            stream.take_data(event)
            continue
        if not stream.continues(value):
            found.append(_found(None, stream))
            stream = StreamReader(provider)
        stream.take(value)
    return [*found, _found(None, stream)]
