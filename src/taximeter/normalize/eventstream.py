"""Takes a stream of Amazon's events apart: bytes in, as they come, and out the data of each event.

A frame is its length, that of its headers and a checksum of both (4 bytes each, the first one first), the headers, the
payload and a checksum of all. In the payload of a model's event its data stands as base64 in `bytes`.
Source: `eventstream.py` of botocore 1.43, and `lib/bedrock/_stream_decoder.py` of anthropic 2.14.
"""

from __future__ import annotations

import struct

import msgspec

AMAZON = "application/vnd.amazon.eventstream"
"""The type of such a stream."""

_PRELUDE = struct.Struct(">III")
_TAIL = 4
_LONGEST = 24 * 2**20
"""Bytes of a frame, as Amazon limits it; what says to be longer is no frame, and nothing behind it is read."""


class _Payload(msgspec.Struct, gc=False):
    data: bytes = msgspec.field(default=b"", name="bytes")
    """msgspec takes the base64 off."""


_payload = msgspec.json.Decoder(_Payload).decode


class EventStreamDecoder:
    """The data of events, each as soon as its frame is whole. Frames of other kinds, such as errors, say nothing here;
    checksums are for the program to look at."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_lost = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of all events that end in this chunk."""
        if self._is_lost:
            return []
        self._rest += chunk
        events: list[bytes] = []
        begin = 0
        while len(self._rest) - begin >= _PRELUDE.size:
            length, headers, _ = _PRELUDE.unpack_from(self._rest, begin)
            payload, end = begin + _PRELUDE.size + headers, begin + length
            if length > _LONGEST or payload > end - _TAIL:
                self._is_lost = True
                self._rest.clear()
                return events
            if end > len(self._rest):
                break
            events += _data(bytes(self._rest[payload : end - _TAIL]))
            begin = end
        del self._rest[:begin]
        return events

    def close(self) -> list[bytes]:
        """Nothing: a frame that is not whole has no data."""
        return []


def _data(payload: bytes) -> list[bytes]:
    try:
        data = _payload(payload).data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return [data] if data else []
