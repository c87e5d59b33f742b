"""What the collector says of what it was sent."""

from __future__ import annotations

import msgspec


class Rejection(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event that is not taken; the others of its batch are."""

    index: int
    """Its place in the batch, from 0."""

    status: int
    """As if it had been sent alone: 400 is no event of ours, 413 is too large."""

    reason: str
    event_id: tuple[str, int] | None = None


class Verdict(msgspec.Struct):
    """What became of a batch: accepted + duplicate + rejected is what was in it."""

    accepted: int = 0
    """On disk now."""

    duplicate: int = 0
    """On disk before: they were sent again."""

    rejected: list[Rejection] = []


class RefusedError(Exception):
    """A request is not taken, for a reason that is none of a single event."""

    def __init__(self, status: int, reason: str, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.retry_after = retry_after
        """Seconds after which it may be taken; None: it will not be."""
