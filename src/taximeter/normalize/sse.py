"""Server-sent events, byte by byte as they come: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from __future__ import annotations

import re

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_LONGEST = 64 * 2**20
"""Bytes of an event; a longer one is skipped."""


class SseDecoder:
    """Gives the data of each event as soon as it is whole; other fields and comments say nothing here."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._searched = 0
        self._data: list[bytes] = []
        self._size = 0
        self._at_start = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of all events that end in this chunk."""
        if chunk.endswith(b"\n\n") and not self._rest and len(chunk) <= _LONGEST and b"\r" not in chunk:
            return self._whole(chunk)
        self._rest += chunk
        if self._at_start:
            if len(self._rest) < len(_BOM) and _BOM.startswith(self._rest):
                return []
            if self._rest.startswith(_BOM):
                del self._rest[: len(_BOM)]
            self._at_start = False
        ends = [found.span() for found in _LINE_END.finditer(self._rest, self._searched)]
        if ends and self._rest.endswith(b"\r"):
            del ends[-1]  # the other half of the line's end may be in the next chunk
        begins = [0, *(end for _, end in ends)]
        lines = [bytes(self._rest[begin:end]) for begin, (end, _) in zip(begins, ends, strict=False)]
        del self._rest[: begins[-1]]
        self._searched = len(self._rest) - self._rest.endswith(b"\r")
        if len(self._rest) > _LONGEST:
            self._size += len(self._rest)
            self._rest.clear()
            self._searched = 0
        return self._events(lines)

    def _whole(self, chunk: bytes) -> list[bytes]:
        """The data of a chunk that begins with a line and ends with an event, as most do: a quarter of the work."""
        if self._at_start:
            self._at_start = False
            chunk = chunk.removeprefix(_BOM)
        events = []
        for block in chunk[:-2].split(b"\n\n"):
            if block.startswith(b"data: ") and not self._data and b"\n" not in block:
                events.append(block[6:])
            else:
                events += self._events([*block.split(b"\n"), b""])
        return events

    def close(self) -> list[bytes]:
        """The last event, if nothing but the end of its last line or the blank line behind it is missing."""
        lines = [bytes(self._rest).rstrip(b"\r"), b""]
        self._rest.clear()
        return self._events(lines)

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events = []
        for line in lines:
            if line:
                name, _, value = line.partition(b":")
                if name == b"data":
                    self._size += len(value)
                    if self._size <= _LONGEST:
                        self._data.append(value.removeprefix(b" "))
            else:
                if self._data and self._size <= _LONGEST:
                    events.append(b"\n".join(self._data))
                self._data, self._size = [], 0
        return events
