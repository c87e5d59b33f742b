"""A map of an authored file as a struct: exact types and no unknown keys. Base of what recipes and the like hold.

What surely fits is read by msgspec, in no time. All else is for the class of pydantic that `modelled` makes of the
struct: it decides, and finds all that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import UnionType
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

import msgspec

from taximeter.errors import Problem
from taximeter.yamldoc.document import Document, KeyPath, part

NOT_BLANK = r"\S"
Text = Annotated[str, msgspec.Meta(pattern=NOT_BLANK)]
"""Free text that is not blank."""

NAME_PATTERN = r"^[^\W\d][\w.-]*$"
NAME_HINT = "use letters, digits, `_`, `-` and `.`, and begin with a letter or `_`"
VARIABLE_PATTERN = r"^[^=]+$"

FREE_KEYS: dict[str, Any] = {"patternProperties": {"^x-": {}}}
"""What the JSON Schema of a block says about keys that are free."""


class Rule(msgspec.Struct, frozen=True, eq=False):
    """Marks a type for what msgspec cannot say of it; limits before it are only what is taken without a second look."""

    exactly: Callable[[], tuple[Any, ...]]
    """What pydantic is told instead."""

    read: Callable[[Any], Any] | None = None
    """Makes the value of what is written; ValueError if it may be wrong."""


class Default(msgspec.Struct, frozen=True):
    """Marks the type of a key of which it counts whether it was written: what it is if it was not."""

    value: Any


def _names() -> tuple[Any, ...]:
    from pydantic import Field

    return (Field(pattern=NAME_PATTERN),)


Name = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_.-]*\Z"), Rule(_names)]
"""A name that can stand in a placeholder and after `--`."""

Variable = Annotated[str, msgspec.Meta(pattern=VARIABLE_PATTERN)]
"""Name of an environment variable."""


class Flaw(msgspec.Struct, frozen=True):
    """What is wrong with a block as a whole."""

    message: str
    hint: str


class Authored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exact types, no unknown keys; a key that begins with `x-` is free."""

    TITLE: ClassVar[str] = ""
    SCHEMA: ClassVar[dict[str, Any]] = FREE_KEYS
    """What its JSON Schema says besides."""

    def flaw(self) -> Flaw | None:
        """What is wrong with it as a whole."""
        return None

    def __post_init__(self) -> None:
        if (flaw := self.flaw()) is not None:
            raise ValueError(flaw.message)


A = TypeVar("A", bound=Authored)


def take(block: type[A], value: Any) -> A | None:
    """The block, if all of the value surely fits it."""
    try:
        return msgspec.convert(_prepared(block, value), block)
    except (msgspec.ValidationError, ValueError):
        return None


def read_authored(block: type[A], document: Document, at: KeyPath, problems: list[Problem]) -> A | None:
    """The block at a place of a document; None if it cannot be used, and why is added to the problems."""
    if (found := take(block, part(document.data, at))) is not None:
        return found
    from taximeter.yamldoc.explain import read_block
    from taximeter.yamldoc.modelled import block_of, model_of

    model = read_block(model_of(block), document, at, problems)
    return None if model is None else block_of(block, model)


def _prepared(block: type[Authored], value: Any) -> Any:
    """The value without free keys, and with quantities as numbers."""
    if not isinstance(value, dict):
        return value
    readers = _readers(block)
    return {
        key: readers[key](inner) if key in readers else inner
        for key, inner in value.items()
        if not key.startswith("x-")
    }


@cache
def _readers(block: type[Authored]) -> dict[str, Callable[[Any], Any]]:
    """What has to be done with values of keys, for those keys that need it."""
    found = {field.encode_name: _reader(field.type) for field in msgspec.structs.fields(block)}
    return {name: reader for name, reader in found.items() if reader is not None}


def _reader(kind: Any) -> Callable[[Any], Any] | None:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        rules = [part for part in parts[1:] if isinstance(part, Rule) and part.read]
        return rules[0].read if rules else _reader(parts[0])
    if origin in (Union, UnionType):
        readers = [reader for part in parts if (reader := _reader(part)) is not None]
        return _unless_none(readers[0]) if readers else None
    if origin is list and (each := _reader(parts[0])) is not None:
        return lambda value: [each(inner) for inner in value] if isinstance(value, list) else value
    if isinstance(kind, type) and issubclass(kind, Authored):
        return lambda value: _prepared(kind, value)
    return None


def _unless_none(reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else reader(value)
