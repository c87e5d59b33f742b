"""JSON Schemas of rows, compiled. It loads little: the process that checks an artifact waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import jsonschema_rs

MASK = "it"
"""What stands for values in messages about rows: they are the stage's own, and can be anything."""


def compile_schema(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """What checks by a JSON Schema; ValueError if it refers to something that is not in it."""
    import jsonschema_rs  # compiled, and a hundred times as fast as what checks parameters in plain words

    return jsonschema_rs.validator_for(schema, retriever=_fetch_nothing, mask=MASK)


def _fetch_nothing(address: str) -> NoReturn:
    raise ValueError(f"{address} is another document")
