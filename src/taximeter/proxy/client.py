"""The client of the proxy, as ASGI shows it: its request comes in pieces, and it may go at any time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class GoneError(Exception):
    """The client has gone before the end."""


class Client:
    """Reads the request of one client, and notices when it goes."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._has_asked = asyncio.Event()
        """Whether the whole request was read: until then a look at who is there would eat a piece of it."""

    async def body(self) -> bytes:
        """The whole body of the request; GoneError if the client goes before."""
        return b"".join([piece async for piece in self.pieces()])

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body of the request as it comes; GoneError as above."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise GoneError
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                break
        self._has_asked.set()

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """A block that ends with GoneError, wherever it is, as soon as the client goes."""
        task, gone = asyncio.current_task(), False
        assert task is not None

        async def watch() -> None:
            nonlocal gone
            await self._has_asked.wait()
            while (await self._receive())["type"] != "http.disconnect":
                pass
            gone = True
            task.cancel()

        watcher = asyncio.create_task(watch())
        try:
            yield
        except asyncio.CancelledError:
            if not gone:
                raise  # it is the proxy that ends
            task.uncancel()
            raise GoneError from None
        finally:
            watcher.cancel()
