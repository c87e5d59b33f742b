"""What a driver has done in the process of a Dask worker."""

from __future__ import annotations

import secrets
from contextlib import closing

import msgspec
from distributed import get_worker

from taximeter import __version__
from taximeter.run.executor import Key
from taximeter.run.remote.outbox import SHORT_LEASE, Letter, Outbox
from taximeter.run.remote.worker import work

_SMALL = 8 << 10
"""Bytes of a message that is handed to the scheduler to pass it on: it keeps the last thousand in its memory, until an
hour after the driver went."""

_LIFE = secrets.token_hex(8)
"""Of this process: one that is started in its place, at the same address, has another."""


class Hello(msgspec.Struct, frozen=True):
    """A worker introduces itself."""

    version: str
    life: str


class _Guest:
    """A driver that this worker works for."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        """To which it listens at the scheduler."""

        self.outbox = Outbox()
        self.begun: set[Key] = set()
        self.orders: dict[Key, float] = {}
        """The grace that attempts get which are to end, and were not told yet."""


_guests: dict[str, _Guest] = {}


def name_of(driver: str, key: Key) -> str:
    """What a driver's task is called in Dask."""
    return f"taximeter-{key.stage_id}-{key.shard}-{key.attempt}-{driver}"


def hello(driver: str, topic: str) -> Hello:
    """The driver of that name comes."""
    _guests.setdefault(driver, _Guest(topic))
    return Hello(__version__, _LIFE)


def perform(driver: str, life: str, key: Key, version: str, parcel: bytes) -> None:
    """Runs an attempt to its end, unless this is not the process that the driver chose, or it was begun before: then
    it is Dask that tries again what only the driver may."""
    guest = _guests.get(driver)
    if guest is None or life != _LIFE or key in guest.begun:
        return
    guest.begun.add(key)
    worker = get_worker()

    def ordered() -> float | None:
        task = worker.state.tasks.get(name_of(driver, key))
        is_wanted = task is not None and task.state != "cancelled"
        if not is_wanted and guest.outbox.is_forgotten(SHORT_LEASE):
            return 0.0  # the scheduler has lost the driver
        return guest.orders.pop(key, None)

    with closing(work(version, parcel, ordered)) as messages:
        for message in messages:
            number = guest.outbox.put((key, message))
            if number is None:
                return  # nobody is there any more: what runs is killed
            worker.log_event(guest.topic, (_LIFE, number, key, message if len(message) <= _SMALL else None))


def fetch(driver: str, had: int) -> tuple[int, list[Letter]] | None:
    """What the driver has not had yet; None if it never came to this process."""
    guest = _guests.get(driver)
    return None if guest is None else guest.outbox.fetch(had)


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
