"""What a driver has done in a Ray cluster: attempts in its workers, and orders to them through a board."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import ray
from ray.exceptions import RayError

from taximeter.run.executor import Key
from taximeter.run.remote.worker import work

_ASK_AFTER = 0.3
"""Seconds that an attempt runs before it asks for orders: most are over by then, and cost the board nothing."""


class Board:
    """An actor beside the driver, on which attempts wait for orders to them. It ends with the driver, as they do."""

    def __init__(self) -> None:
        self._orders: dict[Key, asyncio.Queue[float]] = defaultdict(asyncio.Queue)

    async def order(self, key: Key, grace: float) -> None:
        """Puts an order there."""
        self._orders[key].put_nowait(grace)

    async def wait(self, key: Key) -> float:
        """The grace of the next order to that attempt; nobody waits again after a call that is cancelled."""
        try:
            return await self._orders[key].get()
        except asyncio.CancelledError:
            del self._orders[key]
            raise


class _Orders:
    """Those to one attempt."""

    def __init__(self, board: str, key: Key) -> None:
        self._board = board
        """Its name: a handle on an actor costs each attempt that gets one."""

        self._key = key
        self._asked: Any = None
        self._ask_at = time.monotonic() + _ASK_AFTER

    def __call__(self) -> float | None:
        if self._asked is None:
            if time.monotonic() < self._ask_at:
                return None
            try:
                self._asked = ray.get_actor(self._board).wait.remote(self._key)
            except ValueError:  # it is gone, and the driver with it
                return 0.0
        if not ray.wait([self._asked], timeout=0)[0]:
            return None
        answer, self._asked = self._asked, None
        try:
            return float(ray.get(answer))
        except RayError:  # the same
            return 0.0

    def close(self) -> None:
        """There is nobody any more to order about."""
        if self._asked is not None:
            ray.cancel(self._asked)


def perform(version: str, parcel: bytes, key: Key, board: str) -> Iterator[bytes]:
    """The messages of an attempt, as a streaming task. If Ray ends it, all that it runs is killed."""
    with (
        closing(_Orders(board, Key(*key))) as orders,
        closing(work(version, parcel, orders)) as messages,
    ):
        yield from messages
