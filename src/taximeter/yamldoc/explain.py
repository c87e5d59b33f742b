"""What pydantic finds wrong, in plain words and with the place in the file."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from taximeter.errors import Problem
from taximeter.yamldoc.authored import NAME_HINT, NAME_PATTERN, NOT_BLANK, VARIABLE_PATTERN
from taximeter.yamldoc.block import Block
from taximeter.yamldoc.document import Document, KeyPath, Value, part, show
from taximeter.yamldoc.words import LIST, MAP, NUMBER, TEXT, WHOLE_NUMBER, YES_OR_NO, describe, mend, nearest_or_all

B = TypeVar("B", bound=Block)

_TYPES = {
    "string_type": TEXT,
    "int_type": WHOLE_NUMBER,
    "float_type": NUMBER,
    "bool_type": YES_OR_NO,
    "list_type": LIST,
    "dict_type": MAP,
    "model_type": MAP,
}
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
}
_PATTERNS = {
    NOT_BLANK: ("must not be blank", None),
    NAME_PATTERN: ("cannot be a name", NAME_HINT),
    VARIABLE_PATTERN: ("cannot be the name of a variable", "a name has no `=` and is not empty"),
}
"""What it means that a text does not match one of the patterns of the models, and how to mend it."""


def read_block(model: type[B], document: Document, at: KeyPath, problems: list[Problem]) -> B | None:
    """The block at a place of a document; None if it cannot be used, and why is added to the problems."""
    try:
        return model.model_validate(part(document.data, at))
    except ValidationError as error:
        problems.extend(explain(error, model, document, at))
        return None


def explain(error: ValidationError, model: type[Block], document: Document, at: KeyPath = ()) -> list[Problem]:
    """One problem for each place where the value at `at` does not fit the model."""
    return tell(misfits(error, part(document.data, at)), model, document, at)


def misfits(error: ValidationError, value: Value) -> dict[KeyPath, list[ErrorDetails]]:
    """The places where a value does not fit, each with what pydantic says about it."""
    found: dict[KeyPath, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        found.setdefault(_key_path(detail, value), []).append(detail)
    # Of a union every member complains; the one that fits best complains about something further inside.
    outer = {path[:length] for path in found for length in range(len(path))}
    return {path: details for path, details in found.items() if path not in outer}


def tell(
    found: dict[KeyPath, list[ErrorDetails]], model: type[Block], document: Document, at: KeyPath = ()
) -> list[Problem]:
    """One problem for each of these places inside `at`."""
    return [
        document.problem(message, (*at, *path), hint)
        for path, details in found.items()
        for message, hint in [_words(path, details, model)]
    ]


def _key_path(detail: ErrorDetails, value: Any) -> KeyPath:
    """Where the detail points, without the labels that pydantic adds for members of unions and for keys."""
    path: list[str | int] = []
    last = len(detail["loc"]) - 1
    for index, key in enumerate(detail["loc"]):
        match value, key:
            case dict(), str() if key in value:
                value = value[key]
            case list(), int():
                value = value[key]
            case _ if detail["type"] != "missing" or index != last:
                continue
        path.append(key)
    return tuple(path)


def _words(path: KeyPath, details: list[ErrorDetails], model: type[Block]) -> tuple[str, str | None]:
    wanted = list(dict.fromkeys(_TYPES[detail["type"]] for detail in details if detail["type"] in _TYPES))
    detail = next((detail for detail in details if detail["type"] not in _TYPES), None)
    if detail is None:
        value = details[0]["input"]
        return f"{_subject(path)} must be {' or '.join(wanted)}, not {describe(value)}", mend(value, wanted)
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return f"{_subject(path)} is missing", None
        case "extra_forbidden":
            return _unknown_key(str(path[-1]), _block_at(model, path[:-1]))
        case limit if limit in _LIMITS:
            words, name = _LIMITS[limit]
            return f"{_subject(path)} must be {words} {context[name]:g}, not {detail['input']}", None
        case "decimal_max_places":
            return f"{_subject(path)} must have at most {context['decimal_places']} decimals", None
        case "literal_error":
            wanted_one = context["expected"].replace("'", "`")
            return f"{_subject(path)} must be {wanted_one}, not {describe(detail['input'])}", None
        case "finite_number":
            return f"{_subject(path)} must be a number that has an end", None
        case "quantity":
            return f"{_subject(path)} must be {context['wanted']}, not {describe(detail['input'])}", context["hint"]
        case "too_short":
            return f"{_subject(path)} must not be empty", None
        case "string_pattern_mismatch":
            phrase, hint = _PATTERNS[context["pattern"]]
            return f"{_subject(path) if context['pattern'] == NOT_BLANK else show(detail['input'])} {phrase}", hint
        case _:
            return detail["msg"], context.get("hint")


def _subject(path: KeyPath) -> str:
    """What a message calls the place: the last key, with the indexes that follow it."""
    names = [index for index, key in enumerate(path) if isinstance(key, str)]
    if not names:
        return "this"
    key, *indexes = path[names[-1] :]
    return show(f"{key}{''.join(f'[{index}]' for index in indexes)}")


def _unknown_key(key: str, block: type[Block]) -> tuple[str, str | None]:
    return f"unknown key {show(key)}", nearest_or_all(
        key, [field.alias or name for name, field in block.model_fields.items()]
    )


def _block_at(model: type[Block], path: KeyPath) -> type[Block]:
    """The model of the block that a key path leads to."""
    for key in path:
        if isinstance(key, str) and key in model.model_fields:
            model = _block_in(model.model_fields[key].annotation) or model
    return model


def _block_in(annotation: Any) -> type[Block] | None:
    if isinstance(annotation, type) and issubclass(annotation, Block):
        return annotation
    return next(filter(None, map(_block_in, get_args(annotation))), None)
