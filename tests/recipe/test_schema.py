"""What values of parameters violate, in plain words."""

from __future__ import annotations

from typing import Any

import pytest

from taximeter.recipe.schema import ParamSchema


def violations(schema: dict[str, Any], params: dict[str, Any]) -> list[str]:
    read = ParamSchema(schema)
    assert read.faults() == []
    return [violation.message for violation in read.violations(params)]


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "integer"}, 1.5, "`p` must be a whole number, not the number 1.5"),
        ({"type": "integer"}, True, "`p` must be a whole number, not true"),
        ({"type": ["integer", "null"]}, "x", "`p` must be a whole number or nothing, not the text `x`"),
        ({"type": "object"}, [], "`p` must be a map, not a list"),
        ({"enum": ["a", 1, None]}, "b", "`p` must be one of `a`, 1, null, not the text `b`"),
        ({"const": {"a": 1}}, "b", '`p` must be {"a": 1}, not the text `b`'),
        ({"minimum": 1}, 0, "`p` must be at least 1, not the number 0"),
        ({"maximum": 1.5}, 2, "`p` must be at most 1.5, not the number 2"),
        ({"exclusiveMinimum": 0}, 0, "`p` must be more than 0, not the number 0"),
        ({"exclusiveMaximum": 1}, 1, "`p` must be less than 1, not the number 1"),
        ({"multipleOf": 5}, 7, "`p` must be a multiple of 5, not the number 7"),
        ({"pattern": "^[a-z]$"}, "A", "`p` must match `^[a-z]$`, not the text `A`"),
        ({"minLength": 2}, "a", "`p` must have a length of at least 2"),
        ({"maxLength": 1}, "ab", "`p` must have a length of at most 1"),
        ({"minItems": 1}, [], "`p` must have a length of at least 1"),
        ({"maxItems": 1}, [1, 2], "`p` must have a length of at most 1"),
        ({"minProperties": 1}, {}, "`p` must have a number of keys of at least 1"),
        ({"maxProperties": 0}, {"a": 1}, "`p` must have a number of keys of at most 0"),
        ({"items": {"type": "string"}}, ["a", 1], "`p[1]` must be text, not the number 1"),
        ({"properties": {"a b": {"minimum": 1}}}, {"a b": 0}, '`p["a b"]` must be at least 1, not the number 0'),
        ({"required": ["q"]}, {}, "`p` does not fit: `'q' is a required property`"),
        ({"uniqueItems": True}, [1, 1], "`p` does not fit: `[1, 1] has non-unique elements`"),
        ({"pattern": "x"}, "\x1b[31m", "`p` must match `x`, not the text `\\u001b[31m`"),
    ],
)
def test_a_violation_is_told_in_plain_words(schema: dict[str, Any], value: Any, message: str) -> None:
    assert violations({"properties": {"p": schema}}, {"p": value}) == [message]


def test_what_the_schema_as_a_whole_demands_is_told_once() -> None:
    assert violations({"required": ["p", "q"]}, {"q": 1}) == ["the parameter `p` is missing"]
    assert violations({"allOf": [{"required": ["p"]}]}, {}) == ["this does not fit: `'p' is a required property`"]


@pytest.mark.parametrize(
    ("schema", "closed"),
    [
        ({"properties": {"a": {}}}, True),
        ({"properties": {"a": {}}, "additionalProperties": False}, True),
        ({"additionalProperties": True}, False),
        ({"additionalProperties": {"type": "integer"}}, False),
        ({"patternProperties": {"^a": {}}}, False),
        ({"allOf": [{"properties": {"a": {}}}]}, False),
    ],
)
def test_a_schema_is_closed_unless_it_says_otherwise(schema: dict[str, Any], closed: bool) -> None:
    assert ParamSchema(schema).is_closed == closed


def test_nothing_is_fetched_and_references_inside_work() -> None:
    schema = {"$defs": {"n": {"type": "integer"}}, "properties": {"p": {"$ref": "#/$defs/n"}}}
    assert violations(schema, {"p": "x"}) == ["`p` must be a whole number, not the text `x`"]
