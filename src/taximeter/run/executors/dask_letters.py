"""What a Dask worker has to say: most of it comes by itself, and what does not is asked for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from taximeter.run.executor import Key
from taximeter.run.remote.outbox import ROOM, Letter

_ASK_EVERY = 1.0
"""Seconds between two questions to a worker; it also hears thereby that we live."""

_MOST_UNSAID = ROOM // 4
"""Letters that a worker keeps though we had them."""


class Post(msgspec.Struct, frozen=True):
    """Letters of a worker; `taken` is called when they have been dealt with."""

    letters: list[Letter]
    taken: Callable[[], None]


class Letters:
    """Those of one worker, in order. All of this is for the loop, which `call` has do something."""

    def __init__(self, tell: Callable[[Post], None], call: Callable[..., None]) -> None:
        self._tell = tell
        self._call = call
        self._told = 0
        """The number of the last one that was passed on."""

        self.had = 0
        """The number of the last one that was dealt with."""

        self._said = 0
        """The same, as far as the worker knows; what follows it keeps."""

        self._wanted = asyncio.Event()
        self._taken = asyncio.Event()

    def come(self, number: int, key: list[Any], message: bytes | None) -> None:
        """One has come by itself; without its message if that is long."""
        if number <= self._told:
            return
        if number > self._told + 1 or message is None:
            self._wanted.set()
            return
        self._told = number
        self._tell(Post([(Key(*key), message)], partial(self._dealt_with, number)))

    async def wait(self) -> None:
        """Until it is time to ask the worker."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), _ASK_EVERY)
        self._wanted.clear()

    async def fetched(self, had: int, last: int, letters: list[Letter]) -> None:
        """The worker was told that we had one, and gave those that follow, up to the last one. Waits until they have
        been dealt with: so many, and no more, are in memory."""
        self._said = had
        if last <= self._told:
            return
        fresh, self._told = letters[self._told - last :], last
        self._taken.clear()
        self._tell(Post(fresh, partial(self._call, self._taken.set)))
        await self._taken.wait()
        self.had = max(last, self.had)

    def _dealt_with(self, number: int) -> None:
        """In the driver's thread."""
        self.had = number
        if number - self._said >= _MOST_UNSAID:
            self._call(self._wanted.set)
