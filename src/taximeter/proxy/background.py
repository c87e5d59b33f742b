"""Calls whose answers are made in the background: known only when somebody fetches what was made."""

from __future__ import annotations

from collections import OrderedDict

from taximeter.proxy.books import Books
from taximeter.proxy.call import Call

_MOST = 10_000


class Background:
    """Writes down calls that have ended; those whose answer is still being made wait until it is fetched."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._waiting: OrderedDict[str, Call] = OrderedDict()

    def end(self, call: Call) -> None:
        """A call has ended, or a look at one that waits."""
        pending = call.pending
        if pending is None:
            self._write(call)
            return
        self._waiting[pending] = call
        if len(self._waiting) > _MOST:
            self._give_up(next(iter(self._waiting)))

    def fetch(self, response_id: str | None) -> Call | None:
        """The call whose answer is fetched, if it waits; it no longer does until that has ended."""
        call = self._waiting.pop(response_id, None) if response_id is not None else None
        if call is not None and response_id is not None:
            call.fetch(response_id)
        return call

    def close(self) -> None:
        """Nobody will fetch them any more."""
        for response_id in tuple(self._waiting):
            self._give_up(response_id)

    def _give_up(self, response_id: str) -> None:
        """What it used is not known."""
        call = self.fetch(response_id)
        if call is not None:
            self._write(call)

    def _write(self, call: Call) -> None:
        for event in call.events():
            self._books.record(event)
