"""The class of pydantic of a struct: made of the struct itself when somebody asks for it, so that a run does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from taximeter.yamldoc.authored import A, Authored, Default, Rule
from taximeter.yamldoc.block import Block

_LIMITS = ("gt", "ge", "le", "min_length", "pattern")

Nested = Callable[[Any], type[BaseModel]]
"""Gives the class of a struct within a struct."""


@cache
def model_of(block: type[Authored]) -> type[Block]:
    """The class that decides whether something is the block, and gives its JSON Schema."""
    fields: dict[str, Any] = {f.name: (typed(f.type, model_of), _default(f)) for f in msgspec.structs.fields(block)}
    validator: Any = model_validator(mode="after")(_as_a_whole(block))
    return create_model(
        block.__name__,
        __base__=Block,
        __cls_kwargs__={"title": block.TITLE, "json_schema_extra": block.SCHEMA},
        __doc__=block.__doc__,
        __module__=block.__module__,
        __validators__={"flaw": validator},
        **fields,
    )


def block_of(block: type[A], model: BaseModel) -> A:
    """The struct that a valid object of its class stands for."""
    kinds = {model_of(kind): kind for kind in _structs_in(block)}

    def made(value: Any) -> Any:
        if isinstance(value, Block):
            told = {name: made(getattr(value, name)) for name in value.model_fields_set}
            return kinds[type(value)](**told)
        if isinstance(value, list):
            return [made(each) for each in value]
        return value

    found: A = made(model)
    return found


def typed(kind: Any, nested: Nested) -> Any:
    """A type of msgspec in the words of pydantic; whole numbers with limits, and truths, are exact."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return nested(kind)
    if kind is bool:
        return Annotated[bool, Field(strict=True)]
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated(typed(parts[0], nested), parts[1:])
    if origin in (Union, UnionType):
        members = (part for part in parts if part is not msgspec.UnsetType)
        return Union[tuple(typed(part, nested) for part in members)]  # noqa: UP007 - of parts only known here
    if parts and origin is not Literal:
        return origin[tuple(typed(part, nested) for part in parts)]
    return kind


def _annotated(kind: Any, marks: Iterable[Any]) -> Any:
    words: list[Any] = []
    for mark in marks:
        if isinstance(mark, Rule):
            words = list(mark.exactly())
        elif isinstance(mark, msgspec.Meta):
            given = {name: limit for name in _LIMITS if (limit := getattr(mark, name)) is not None}
            words.append(Field(strict=True, **given) if kind is int else Field(**given))
    return Annotated[(kind, *words)] if words else kind


def _default(field: msgspec.structs.FieldInfo) -> Any:
    alias: dict[str, Any] = {"alias": field.encode_name} if field.encode_name != field.name else {}
    if field.default_factory is not msgspec.NODEFAULT:
        return Field(default_factory=field.default_factory, **alias)
    default = field.default
    if default is msgspec.NODEFAULT:
        return Field(**alias)
    if default is msgspec.UNSET:
        default = _stated(field.type)
    elif isinstance(default, Authored):
        default = model_of(type(default))()
    return Field(default, **alias)


def _stated(kind: Any) -> Any:
    """What stands in the mark of a default."""
    marks = (mark for part in get_args(kind) for mark in get_args(part) if isinstance(mark, Default))
    return next(marks).value


def _as_a_whole(block: type[Authored]) -> Callable[[Any], Any]:
    def check(model: Any) -> Any:
        if (flaw := block.flaw(model)) is not None:
            raise PydanticCustomError("setup", flaw.message.replace("{", "{{"), {"hint": flaw.hint})
        return model

    return check


def _structs_in(kind: Any) -> set[type[Authored]]:
    """The struct, and all that are in it."""
    if isinstance(kind, type) and issubclass(kind, Authored):
        return {kind}.union(*(_structs_in(field.type) for field in msgspec.structs.fields(kind)))
    return set[type[Authored]]().union(*map(_structs_in, get_args(kind)))
