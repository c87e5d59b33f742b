"""The JSON Schema of a module's parameters: whether it makes sense, and what values violate it, in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.yamldoc import KeyPath, Value, show
from taximeter.yamldoc.authored import NAME_HINT, NAME_PATTERN
from taximeter.yamldoc.document import key_text
from taximeter.yamldoc.words import (
    LIST,
    MAP,
    NUMBER,
    TEXT,
    WHOLE_NUMBER,
    YES_OR_NO,
    describe,
    did_you_mean,
    mend,
    nearest_or_all,
)

if TYPE_CHECKING:
    from jsonschema import ValidationError

_TYPES = {
    "string": TEXT,
    "integer": WHOLE_NUMBER,
    "number": NUMBER,
    "boolean": YES_OR_NO,
    "array": LIST,
    "object": MAP,
    "null": "nothing",
}
_LIMITS = {
    "minimum": "be at least {}",
    "maximum": "be at most {}",
    "exclusiveMinimum": "be more than {}",
    "exclusiveMaximum": "be less than {}",
    "multipleOf": "be a multiple of {}",
    "const": "be {}",
    "enum": "be one of {}",
    "pattern": "match {}",
}
_SIZES = {
    "minLength": "a length of at least {}",
    "maxLength": "a length of at most {}",
    "minItems": "a length of at least {}",
    "maxItems": "a length of at most {}",
    "minProperties": "a number of keys of at least {}",
    "maxProperties": "a number of keys of at most {}",
}
_OPEN = ("additionalProperties", "unevaluatedProperties", "patternProperties", "allOf", "anyOf", "oneOf", "if", "$ref")
_MAPS_BESIDE = ("$defs", "definitions", "default", "then", "else")

_TOLD_OTHERWISE = (("required",), ("additionalProperties",))


class Violation(msgspec.Struct, frozen=True):
    """One thing that does not fit."""

    path: KeyPath
    """Where, inside the value that was checked."""

    message: str
    hint: str | None = None


class ParamSchema:
    """The schema of one module's parameters."""

    def __init__(self, schema: dict[str, Any]) -> None:
        import jsonschema  # slow to import, and most commands check nothing
        import referencing

        self._kind = jsonschema.Draft202012Validator
        self._schema = {"type": "object"} | schema
        self._authored = schema
        # An empty registry: a reference to another document is an error, and nothing is ever fetched.
        self._validator = self._kind(self._schema, registry=referencing.Registry())
        self._unresolvable = referencing.exceptions.Unresolvable

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it declares."""
        return tuple(self._schema.get("properties", {}))

    @property
    def defaults(self) -> dict[str, Any]:
        """What it says about parameters that are not given."""
        properties = self._schema.get("properties", {})
        return {
            name: about["default"]
            for name, about in properties.items()
            if isinstance(about, dict) and "default" in about
        }

    @property
    def is_closed(self) -> bool:
        """Whether a parameter that is not declared is a mistake."""
        return not any(self._schema.get(key) for key in _OPEN)

    def faults(self) -> list[Violation]:
        """What is wrong with the schema itself."""
        found = {fault.path: fault for fault in schema_faults(self._authored)}
        for name in self.names if not found else ():
            if not re.fullmatch(NAME_PATTERN, name):
                found[("properties", name)] = Violation(
                    ("properties", name), f"{show(name)} cannot be a name", NAME_HINT
                )
        if self._schema["type"] != "object":
            found[("type",)] = Violation(("type",), "parameters are always an `object`", "leave `type` out")
        for key, value in self._authored.items():
            if isinstance(value, dict) and key not in self._kind.VALIDATORS and key not in _MAPS_BESIDE:
                hint = did_you_mean(key, self._kind.VALIDATORS) or "parameters stand under `properties`"
                found[(key,)] = Violation((key,), f"unknown keyword {show(key)}", hint)
        return list(found.values())

    def violations(self, params: Mapping[str, Value]) -> Iterator[Violation]:
        """What is wrong with the values of parameters; SetupError (without a place) if the schema itself is.

        Parameters that a closed schema does not declare are not among it.
        """
        for name in self._schema.get("required", []):
            if name not in params:
                yield Violation((name,), f"the parameter {show(name)} is missing", "add it to `params`")
        try:
            for error in self._validator.iter_errors(dict(params)):
                if tuple(error.absolute_schema_path) not in _TOLD_OTHERWISE:
                    yield _violation(error)
        except self._unresolvable as error:
            message = f"this cannot be followed: {show(str(error))}"
            raise SetupError(Problem(message, "refer only to `#/$defs/...`")) from None
        except RecursionError:
            raise SetupError(Problem("this refers to itself without end", "let one `$ref` lead elsewhere")) from None


def schema_faults(schema: dict[str, Any]) -> list[Violation]:
    """What the rules of JSON Schema have against a schema: those that it names, else the latest."""
    import jsonschema.validators

    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    rules = kind(kind.META_SCHEMA, format_checker=kind.FORMAT_CHECKER)
    return list({tuple(error.absolute_path): _fault(error) for error in rules.iter_errors(schema)}.values())


def _fault(error: ValidationError) -> Violation:
    """What the rules of JSON Schema have against a schema."""
    path, value = tuple(error.absolute_path), error.instance
    if path[-1:] == ("required",) and isinstance(value, bool):
        return Violation(path, "`required` must be a list", "list the names of required parameters beside `properties`")
    if path[-1:] == ("type",) and isinstance(value, str):
        return Violation(path, f"{show(value)} is not a type", nearest_or_all(value, _TYPES))
    if error.validator_value == "regex":
        return Violation(path, f"{show(str(value))} is not a regular expression")
    return _violation(error)


def _violation(error: ValidationError) -> Violation:
    path, keyword = tuple(error.absolute_path), error.validator
    limit: Any = error.validator_value
    value: Any = error.instance
    subject = show(key_text(path)) if path else "this"
    if keyword == "type":
        wanted = [_TYPES[name] for name in ([limit] if isinstance(limit, str) else limit)]
        return Violation(path, f"{subject} must be {' or '.join(wanted)}, not {describe(value)}", mend(value, wanted))
    if keyword in _LIMITS:
        options = limit if keyword == "enum" else [limit]
        texts = [option for option in options if isinstance(option, str)]
        hint = did_you_mean(value, texts) if keyword == "enum" and isinstance(value, str) else None
        demand = _LIMITS[keyword].format(", ".join(map(_literal, options)))
        return Violation(path, f"{subject} must {demand}, not {describe(value)}", hint)
    if keyword in _SIZES:
        return Violation(path, f"{subject} must have {_SIZES[keyword].format(limit)}")
    return Violation(path, f"{subject} does not fit: {show(error.message)}")


def _literal(value: Value) -> str:
    return show(value) if isinstance(value, str) else json.dumps(value)
