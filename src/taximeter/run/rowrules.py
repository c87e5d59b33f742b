"""What a schema has against a row. The three kinds of schemas look the same from here."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from taximeter.recipe.plan import RowSchema
from taximeter.recipe.rowjson import MASK, compile_schema
from taximeter.run.rowclass import find_class
from taximeter.yamldoc import load, show
from taximeter.yamldoc.document import key_text

if TYPE_CHECKING:
    import jsonschema_rs
    from pydantic import BaseModel


class Rules(Protocol):
    """One schema, ready to be asked about rows."""

    @property
    def allowed(self) -> Collection[str] | None:
        """The keys that a row can have; None if it can have any."""

    def faults(self, text: bytes, row: Any) -> Iterator[str]:
        """What is wrong with a row, given as JSON and as the value that it says."""


class JsonSchemaRules:
    """The rules of a JSON Schema."""

    def __init__(self, schema: dict[str, Any], validator: jsonschema_rs.Validator) -> None:
        closed = False in (schema.get("additionalProperties"), schema.get("unevaluatedProperties"))
        self._allowed = tuple(schema.get("properties", ())) if closed else None
        self._validator = validator

    @property
    def allowed(self) -> Collection[str] | None:
        """The keys that a row can have; None if it can have any."""
        return self._allowed

    def faults(self, text: bytes, row: Any) -> Iterator[str]:
        """What is wrong with a row. None of its values is quoted."""
        if self._validator.is_valid(row):
            return
        for error in self._validator.iter_errors(row):
            subject = show(key_text(tuple(error.instance_path))) if error.instance_path else "the row"
            about_value = error.message.startswith(f"{MASK} ")
            yield f"{subject} {error.message[len(MASK) + 1 :]}" if about_value else f"{subject}: {error.message}"


class ModelRules:
    """The rules of a pydantic class."""

    def __init__(self, model: type[BaseModel]) -> None:
        fields = model.model_fields
        names = {*fields, *(field.alias for field in fields.values() if field.alias)}
        self._allowed = names if model.model_config.get("extra") == "forbid" else None
        self._model = model

    @property
    def allowed(self) -> Collection[str] | None:
        """The keys that a row can have; None if it can have any."""
        return self._allowed

    def faults(self, text: bytes, row: Any) -> Iterator[str]:
        """What is wrong with a row. None of its values is quoted."""
        from pydantic import ValidationError

        try:
            self._model.model_validate_json(text)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False, include_context=False):
                subject = show(key_text(detail["loc"])) if detail["loc"] else "the row"
                yield f"{subject}: {detail['msg']}"


def rules_of(schema: RowSchema) -> Rules:
    """The rules of a schema; SetupError or ValueError if it can no longer be used."""
    if schema.file is not None:
        data = load(Path(schema.file)).data
        assert isinstance(data, dict)  # it was when the run was planned
        return JsonSchemaRules(data, compile_schema(data))
    if schema.format is not None:
        from taximeter.report.schemas import SCHEMA_MAP

        return ModelRules(SCHEMA_MAP[schema.format])
    return ModelRules(find_class(schema))
