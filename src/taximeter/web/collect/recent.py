"""What came lately, of far more than can be kept."""

from __future__ import annotations

from collections.abc import Hashable


class Recent:
    """Knows the last `least` things again, and up to twice as many; of each it keeps a number of 64 bits."""

    __slots__ = ("_least", "_old", "_young")

    def __init__(self, least: int) -> None:
        self._least = least
        self._young: set[int] = set()
        self._old: set[int] = set()

    def __contains__(self, thing: object) -> bool:
        """Whether it is known."""
        number = hash(thing)
        return number in self._young or number in self._old

    def add(self, thing: Hashable) -> bool:
        """Remembers a thing; false if it is known."""
        if thing in self:
            return False
        self._young.add(hash(thing))
        if len(self._young) == self._least:
            self._old, self._young = self._young, set()
        return True

    def __len__(self) -> int:
        """How many it knows."""
        return len(self._young) + len(self._old)
