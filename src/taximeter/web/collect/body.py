"""The body of a request: as large as it may be and no larger, whatever it claims and however it is compressed."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers

from taximeter.web.collect.verdict import RefusedError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""Window bits of zlib, by the name of the encoding."""


class Room:
    """Memory for all bodies that are on their way or wait to be written."""

    def __init__(self, most: int) -> None:
        self._left = most
        self.used = 0
        """Bytes that are taken."""

    def take(self, size: int) -> None:
        """RefusedError if there is not so much left."""
        if size > self._left:
            raise RefusedError(429, "too much waits to be written", 1)
        self._left -= size
        self.used += size

    def give_back(self, size: int) -> None:
        """It is needed no longer."""
        self._left += size
        self.used -= size


class Incoming:
    """What comes of one request; to ask for more than all would be to wait until the sender goes."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.goes_on = True
        """Whether more may come."""

    async def piece(self) -> bytes:
        """The next piece of the body; RefusedError if the sender has gone."""
        message = await self._receive()
        if message["type"] != "http.request":
            self.goes_on = False
            raise RefusedError(400, "the sender has gone")
        self.goes_on = message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece

    async def pass_over(self, most: int) -> None:
        """Reads on, that the sender comes to hear the answer, but not for ever."""
        while self.goes_on and most > 0:
            most -= len(await self.piece())


class Body:
    """The body of one request. What it has taken of the room is given back by `close`."""

    def __init__(self, headers: Headers, room: Room, most: int) -> None:
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "", *_WINDOW):
            raise RefusedError(415, f"bodies that are encoded as {encoding[:40]!r} are not read: send gzip, or nothing")
        self._bits = _WINDOW.get(encoding)
        self._most = most
        self._room = room
        self._taken = 0
        self._data = bytearray()

    async def read(self, incoming: Incoming) -> bytes:
        """All of it, as it was before it was compressed; RefusedError if it is too large, or cannot be read."""
        inflate = None if self._bits is None else zlib.decompressobj(self._bits)
        is_empty = True
        while incoming.goes_on:
            piece = await incoming.piece()
            is_empty = is_empty and not piece
            inflate = self._add(piece, inflate)
        if inflate is not None and not inflate.eof and not is_empty:
            raise RefusedError(400, "the compressed body ends too early")
        data = bytes(self._data)
        self._data.clear()
        return data

    def grow(self, size: int) -> None:
        """Takes room for what was made of it; RefusedError if there is none."""
        self._room.take(size)
        self._taken += size

    def close(self) -> None:
        """Gives back the room."""
        self._room.give_back(self._taken)
        self._taken = 0

    def _add(self, piece: bytes, inflate: Any) -> Any:
        if inflate is None:
            self._keep(piece)
            return None
        while piece:
            if inflate.eof:  # one more after it, as files of gzip may have
                inflate = zlib.decompressobj(self._bits or 0)
            try:
                self._keep(inflate.decompress(piece, self._most + 1 - len(self._data)))
            except zlib.error as error:
                raise RefusedError(400, f"the compressed body cannot be read: {error}") from None
            piece = inflate.unconsumed_tail or inflate.unused_data
        return inflate

    def _keep(self, plain: bytes) -> None:
        if len(self._data) + len(plain) > self._most:
            raise RefusedError(413, f"the body is larger than {self._most} bytes: send less at once")
        self.grow(len(plain))
        self._data += plain
