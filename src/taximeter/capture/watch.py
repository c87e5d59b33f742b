"""Looks on while the program reads an answer of httpx, in whatever way it does.

Two parts of an answer are replaced: what unpacks its bytes, and the body that is closed. Neither knows the answer, so
nothing keeps it alive, and it stays of its type.
Source: `Response._get_content_decoder` and `BoundSyncStream` of httpx 0.28 and httpx2 2.16.
"""

from __future__ import annotations

import atexit
from collections.abc import AsyncIterator, Iterator
from typing import Any
from weakref import WeakSet

from taximeter.capture.answer import Answer
from taximeter.recorder.guard import guarded, shielded


class Watch:
    """Hands the bytes of one answer on. When it is closed, or goes, before its end is reached, that is the end."""

    def __init__(self, answer: Answer) -> None:
        self._answer: Answer | None = answer
        if not _unread:
            atexit.unregister(_leave)
            atexit.register(_leave)  # again, so that it comes before the end of a recorder that was turned on since
        _unread.add(self)

    def feed(self, chunk: bytes) -> bytes:
        """The next bytes, as far as the program may see them."""
        return chunk if self._answer is None else self._answer.feed(chunk)

    def rest(self, _: bytes = b"") -> bytes:
        """What was held back; this is the end."""
        held = b"" if self._answer is None else self._answer.rest()
        self.end()
        return held

    def give_up(self, chunk: bytes = b"") -> bytes:
        """Everything that was held back; the program sees all that comes from now on."""
        held = b"" if self._answer is None else self._answer.held
        self.end()
        return held + chunk

    @guarded
    def end(self) -> None:
        """Nobody reads any further."""
        answer, self._answer = self._answer, None
        if answer is not None:
            _unread.discard(self)
            answer.close()

    def __del__(self) -> None:
        self.end()


_feed = shielded(Watch.feed, Watch.give_up)
_rest = shielded(Watch.rest, Watch.give_up)
_unread: WeakSet[Watch] = WeakSet()


def _leave() -> None:
    """The process ends: so do the answers that it has not read."""
    for watch in list(_unread):
        watch.end()


class _Decoder:
    """Unpacks what comes, shows it to the watch, and gives what the program may see."""

    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch
        self._is_plain = type(inner).__name__ == "IdentityDecoder" and not isinstance(inner.decode(b""), bytes)

    def decode(self, data: bytes) -> Any:
        """Bytes in httpx, an iterable of bytes in httpx2; so is `flush`."""
        if self._is_plain:
            return (_feed(self._watch, data),)
        unpacked = self._inner.decode(data)
        return _feed(self._watch, unpacked) if isinstance(unpacked, bytes) else self._each(unpacked)

    def flush(self) -> Any:
        unpacked = self._inner.flush()
        if isinstance(unpacked, bytes):
            return _feed(self._watch, unpacked) + _rest(self._watch)
        return self._last(unpacked)

    def _each(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            yield _feed(self._watch, chunk)

    def _last(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        yield from self._each(chunks)
        yield _rest(self._watch)


class _Body:
    """The packed bytes; says when they are closed before the last of them."""

    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch
        self._is_read = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self._inner
        self._is_read = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield chunk
        self._is_read = True

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._closed()

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._closed()

    def _closed(self) -> None:
        if not self._is_read:
            self._watch.end()


@guarded
def watch(response: Any, answer: Answer) -> None:
    """Looks on while a response of httpx is read that is not read yet."""
    looker = Watch(answer)
    response._decoder = _Decoder(response._get_content_decoder(), looker)
    body = response.stream
    if hasattr(body, "_stream"):
        body._stream = _Body(body._stream, looker)
