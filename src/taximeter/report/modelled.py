"""The class of pydantic of a record: made of the record itself when somebody asks for it, so that a run does not."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from pydantic import BaseModel, create_model

from taximeter.report.records import Record
from taximeter.yamldoc.modelled import typed


@cache
def model_of(record: type[Record]) -> type[BaseModel]:
    """The class that validates what the record holds, and gives its JSON Schema."""
    is_open = not record.__struct_config__.forbid_unknown_fields
    fields: dict[str, Any] = {f.name: (typed(f.type, model_of), _default(f)) for f in msgspec.structs.fields(record)}
    return create_model(
        record.__name__,
        __base__=BaseModel,
        __cls_kwargs__={"extra": "allow" if is_open else "forbid", "frozen": True, "defer_build": True},
        __doc__=record.__doc__,
        __module__=record.__module__,
        **fields,
    )


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    if isinstance(field.default, Record):
        return model_of(type(field.default)).model_validate(msgspec.to_builtins(field.default))
    return ... if field.default is msgspec.NODEFAULT else field.default
