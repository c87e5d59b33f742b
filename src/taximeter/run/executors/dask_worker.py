"""What a driver has done in the process of a Dask worker."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import closing

import msgspec

from taximeter import __version__
from taximeter.run.executor import Key
from taximeter.run.remote.outbox import Letter, Outbox
from taximeter.run.remote.worker import work

_PATIENCE = 1.0
"""Seconds that a driver waits for letters at a time."""

_LIFE = secrets.token_hex(8)
"""Of this process: one that is started in its place, at the same address, has another."""


class Hello(msgspec.Struct, frozen=True):
    """A worker introduces itself."""

    version: str
    life: str


class _Guest:
    """A driver that this worker works for."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.begun: set[Key] = set()
        self.orders: dict[Key, float] = {}
        """The grace that attempts get which are to end, and were not told yet."""


_guests: dict[str, _Guest] = {}


def hello(driver: str) -> Hello:
    """The driver of that name comes."""
    _guests.setdefault(driver, _Guest())
    return Hello(__version__, _LIFE)


def perform(driver: str, life: str, key: Key, version: str, parcel: bytes) -> None:
    """Runs an attempt to its end, unless this is not the process that the driver chose, or it was begun before: then
    it is Dask that tries again what only the driver may."""
    guest = _guests.get(driver)
    if guest is None or life != _LIFE or key in guest.begun:
        return
    guest.begun.add(key)
    with closing(work(version, parcel, lambda: guest.orders.pop(key, None))) as messages:
        for message in messages:
            if not guest.outbox.put((key, message)):
                return  # nobody is there any more: what runs is killed
    guest.outbox.put((key, None))


async def fetch(driver: str, had: int) -> tuple[int, list[Letter]] | None:
    """What the driver has not had yet; None if it never came to this process."""
    guest = _guests.get(driver)
    return None if guest is None else await asyncio.to_thread(guest.outbox.fetch, had, _PATIENCE)


def cancel(driver: str, key: Key, grace: float) -> None:
    """Ends an attempt, or has it end as soon as it begins."""
    guest = _guests.get(driver)
    if guest is not None:
        guest.orders[key] = min(grace, guest.orders.get(key, grace))


def goodbye(driver: str) -> None:
    """The driver goes: what it left is killed."""
    guest = _guests.pop(driver, None)
    if guest is not None:
        guest.orders |= dict.fromkeys(guest.begun, 0.0)
