"""A file's value together with the place of each part of it."""

from __future__ import annotations

import json
import re
from typing import TypeAlias

import msgspec

from taximeter.errors import Problem

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | float | bool | None"
KeyPath = tuple[str | int, ...]
"""Keys and indexes from the top of a document to a part of it."""

_SIMPLE_KEY = re.compile(r"[^\W\d][\w-]*")


class Place(msgspec.Struct):
    """Where a part of a document stands, in characters from the beginning of the text."""

    key: int
    """Its key, or the item itself in a list."""

    value: int
    inside: dict[str | int, Place]


class Document:
    """The value of one file, and where in the file each part of it stands."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.data: Value = None
        self.root = Place(0, 0, {})
        self.unclear: set[KeyPath] = set()
        """Places of which nobody knows what their author meant; what stands there stands in for it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files that it was read from."""
        return (self.name,)

    def owner(self, key_path: KeyPath) -> Document:
        """The document in whose file a part of this one was written."""
        return self

    def at(self, key_path: KeyPath) -> tuple[int, int]:
        """Line and column, from 1, of a key or an item of a list; of the nearest ancestor where there is none."""
        owner = self.owner(key_path)
        return owner.position(owner._place(key_path).key)

    def value_at(self, key_path: KeyPath) -> tuple[int, int]:
        """Line and column, from 1, of the value of a key; of the nearest ancestor's where there is none."""
        owner = self.owner(key_path)
        return owner.position(owner._place(key_path).value)

    def problem(
        self, message: str, key_path: KeyPath = (), hint: str | None = None, *, within: str | None = None
    ) -> Problem:
        """A problem that points at a key; `within` points at that piece of the key's value instead."""
        owner = self.owner(key_path)
        place = owner._place(key_path)
        offset = owner.text.find(within, place.value) if within else -1
        return owner.problem_at(place.key if offset < 0 else offset, message, hint, key_text(key_path) or None)

    def problem_at(self, offset: int, message: str, hint: str | None = None, key: str | None = None) -> Problem:
        """A problem that points at a character of the text."""
        line, column = self.position(offset)
        return Problem(message, hint, self.name, line, column, key)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of a character of the text."""
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)

    def _place(self, key_path: KeyPath) -> Place:
        place = self.root
        for part in key_path:
            if part not in place.inside:
                break
            place = place.inside[part]
        return place


def key_text(key_path: KeyPath) -> str:
    """A key path as people write it: `stages[2].needs[0]`."""
    parts = (
        f".{part}" if isinstance(part, str) and _SIMPLE_KEY.fullmatch(part) else f"[{json.dumps(part)}]"
        for part in key_path
    )
    return "".join(parts).removeprefix(".")


def show(text: str) -> str:
    """Foreign text for a message, in backticks: on one line, harmless to a terminal, and not too long."""
    short = text if len(text) <= 80 else text[:79] + "…"
    return f"`{short}`" if short.isprintable() else f"`{json.dumps(short)[1:-1]}`"


def part(value: Value, path: KeyPath) -> Value:
    """The part of a value that a key path leads to."""
    for key in path:
        match value, key:
            case dict(), str():
                value = value[key]
            case list(), int():
                value = value[key]
    return value
