"""What is fetched after it was bought: results of a batch, and responses that were made in the background.

Who reads them again buys nothing: a result is known by its file and the name that the program gave it, a response by
its id.
"""

from __future__ import annotations

import atexit
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from taximeter.capture.answer import Answer
from taximeter.capture.body import UNREADABLE, believed, told
from taximeter.capture.exchange import Asked, Exchange
from taximeter.capture.watch import watch
from taximeter.normalize.fields import text
from taximeter.normalize.read import read
from taximeter.normalize.reading import Reading
from taximeter.recorder.captured import Where
from taximeter.recorder.guard import guarded
from taximeter.recorder.instance import admit

_RESULTS = re.compile(r"/files/[^/]+/content$|/messages/batches/[^/]+/results$")
_STORED = re.compile(r"/responses/(resp[^/]*)(?:/cancel)?$")
_UNFINISHED = frozenset({"queued", "in_progress"})
_MOST, _MOST_WAITING = 100_000, 10_000

_counted: dict[tuple[str, ...], None] = {}
"""What was counted already, the oldest first."""

_waiting: dict[str, Exchange] = {}
"""Requests for responses that are made in the background, by the id of the response."""


def fetching(sdk: str, provider: str | None, method: str, path: str, where: Where) -> Fetch | None:
    """The exchange of a request that fetches what may have been bought; None of all other requests."""
    if method == "get" and _RESULTS.search(path):
        return Fetch(Asked(sdk, path, "llm", provider, None, None), where, Results)
    if sdk == "openai" and _STORED.search(path):
        return Fetch(Asked(sdk, "/responses", "llm", provider, None, None), where, Stored)
    return None


def is_first(*key: str) -> bool:
    """Whether this is counted for the first time."""
    if key in _counted:
        return False
    _counted[key] = None
    if len(_counted) > _MOST:
        _counted.pop(next(iter(_counted)), None)
    return True


def no_exchange(*_: object) -> None:
    """What is begun when nothing can be."""


def admit_exchange(exchange: Exchange | None) -> None:
    """BudgetExceeded for a call that would be more than the budget; what buys nothing is let through."""
    if exchange is not None and not isinstance(exchange, Fetch):
        admit()


class Fetch(Exchange):
    """A request that buys nothing; what it fetches was bought by others."""

    __slots__ = ("answer",)

    def __init__(self, asked: Asked, where: Where, answer: Callable[[Fetch], Answer]) -> None:
        super().__init__(asked, where)
        self.answer = answer(self)
        self.is_answered = True

    def fetched(self, response: Any) -> None:
        """Takes what was fetched: a response of httpx, read already or still to be read."""
        if response.is_closed:
            self.answer.feed(response.content)
            self.answer.rest()
        else:
            watch(response, self.answer)

    def found(self, readings: Iterable[Reading]) -> None:
        """Records what was bought."""
        for reading in readings:
            self.record(self.call(reading, None))


class Results:
    """The lines of the results of a batch, a call each."""

    held = b""

    def __init__(self, exchange: Fetch) -> None:
        self._exchange = exchange
        self._line = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        *whole, rest = chunk.split(b"\n")
        for end in whole:
            self._line += end
            self._take()
        self._line += rest
        return chunk

    def rest(self) -> bytes:
        self._take()
        return b""

    def close(self) -> None:
        """What was not read is not counted."""

    def _take(self) -> None:
        line, self._line = bytes(self._line), bytearray()
        try:
            result = msgspec.json.decode(line)
        except UNREADABLE:
            return
        name = (text(result, "custom_id") or text(result, "key")) if isinstance(result, dict) else None
        if name is None or result.keys().isdisjoint(("response", "result")):
            return
        asked = self._exchange.asked
        if is_first(asked.endpoint, name):
            self._exchange.found(believed(lambda: read(result, asked.provider)))


class Stored:
    """A response that was made in the background, once it is finished."""

    held = b""

    def __init__(self, exchange: Fetch) -> None:
        self._exchange = exchange
        self._body = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        self._body += chunk
        return chunk

    def rest(self) -> bytes:
        response = told(bytes(self._body))
        name = text(response, "id")
        if not response.get("background") or text(response, "status") in _UNFINISHED or name is None:
            return b""
        if is_first("response", name):
            begun = _waiting.pop(name, None)
            found = believed(lambda: read(response, self._exchange.asked.provider))
            (self._exchange.found if begun is None else begun.answered)(found)
        return b""

    def close(self) -> None:
        """What was not read is not counted."""


def is_in_background(exchange: Exchange, body: bytes) -> bool:
    """Whether an answer only says that it will be made; the exchange then waits for it."""
    if b'"background"' not in body:
        return False
    response = told(body)
    name = text(response, "id")
    if not response.get("background") or text(response, "status") not in _UNFINISHED or name is None:
        return False
    if not _waiting:
        atexit.unregister(_leave)
        atexit.register(_leave)  # again, so that it comes before the end of a recorder that was turned on since
    _waiting[name] = exchange
    exchange.is_answered = True
    if len(_waiting) > _MOST_WAITING:
        _waiting.pop(next(iter(_waiting))).ended("cut")
    return True


@guarded
def _leave() -> None:
    """The process ends: nobody fetches any more what is made in the background."""
    while _waiting:
        _, exchange = _waiting.popitem()
        exchange.ended("cut")
