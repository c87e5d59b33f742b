"""The pydantic class of a record: made of the record itself when somebody asks for it, so that a run does not."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model

from taximeter.report.records.terms import MONEY, Record

_LIMITS = ("ge", "le", "min_length")


def _a_number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("money is a plain number")
    return value


_MONEY = Annotated[
    Decimal,
    BeforeValidator(_a_number),
    Field(ge=0, max_digits=50, decimal_places=12),
    WithJsonSchema({"type": "number", "minimum": 0}),
]


@cache
def model_of(record: type[Record]) -> type[BaseModel]:
    """The class that validates what the record holds, and gives its JSON Schema."""
    is_open = not record.__struct_config__.forbid_unknown_fields
    fields = msgspec.structs.fields(record)
    typed: dict[str, Any] = {field.name: (_typed(field.type), _default(field)) for field in fields}
    return create_model(
        record.__name__,
        __config__=ConfigDict(extra="allow" if is_open else "forbid", frozen=True, defer_build=True),
        __doc__=record.__doc__,
        __module__=record.__module__,
        **typed,
    )


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    if isinstance(field.default, Record):
        return model_of(type(field.default)).model_validate(msgspec.to_builtins(field.default))
    return ... if field.default is msgspec.NODEFAULT else field.default


def _typed(kind: Any) -> Any:
    """A type of msgspec in the words of pydantic; whole numbers with limits, and truths, are exact."""
    if isinstance(kind, type) and issubclass(kind, Record):
        return model_of(kind)
    if kind is bool:
        return Annotated[bool, Field(strict=True)]
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated(*parts)
    if origin in (Union, UnionType):
        return Union[tuple(map(_typed, parts))]  # noqa: UP007 - made of parts that are only known here
    if parts and origin is not Literal:
        return origin[tuple(map(_typed, parts))]
    return kind


def _annotated(kind: Any, limits: msgspec.Meta | str) -> Any:
    if limits == MONEY:
        return _MONEY
    assert isinstance(limits, msgspec.Meta)
    given = {name: limit for name in _LIMITS if (limit := getattr(limits, name)) is not None}
    return Annotated[kind, Field(strict=kind is int, **given)]
