"""Takes the chunk out of a stream that is there only because the proxy has asked for the usage."""

from __future__ import annotations

import re

import msgspec

from taximeter.proxy.coding import Decoder

_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LONGEST = 2**20
"""Bytes of an event that are held back until its end is there; a longer one is passed on as it comes."""


class _Chunk(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: dict[str, msgspec.Raw] | None = None


_chunk = msgspec.json.Decoder(_Chunk)


class Hiding:
    """Passes on a stream of events without the one that tells the usage and nothing else.

    All other bytes stay as they are; an event is passed on as soon as its end is there.
    """

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._rest = b""

    def feed(self, chunk: bytes) -> bytes:
        """What the client gets of this piece; CodingError if it cannot be decoded."""
        data = self._rest + self._decoder.feed(chunk)
        out, begin = [], 0
        for end in _EVENT_END.finditer(data):
            event = data[begin : end.end()]
            begin = end.end()
            if not _is_usage_alone(event):
                out.append(event)
        self._rest = data[begin:]
        if len(self._rest) > _LONGEST:
            out.append(self._rest)
            self._rest = b""
        return b"".join(out)

    def close(self) -> bytes:
        """What is left at the end."""
        rest, self._rest = self._rest, b""
        return b"" if _is_usage_alone(rest) else rest


def _is_usage_alone(event: bytes) -> bool:
    if b'"usage"' not in event:
        return False
    data = b"\n".join(
        line[5:].removeprefix(b" ") for line in re.split(rb"\r\n|\r|\n", event) if line.startswith(b"data:")
    )
    try:
        chunk = _chunk.decode(data)
    except _NOT_JSON:
        return False
    return chunk.usage is not None and chunk.choices == []
