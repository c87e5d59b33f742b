# ruff: noqa: E501 (the messages stand here as people see them)
"""Schemas of rows: where they are found, what can be wrong with them, and which stages fit each other."""

from __future__ import annotations

import json

import msgspec
import pytest

from taximeter.errors import Problem, SetupError
from taximeter.recipe.plan import RowSchema
from taximeter.recipe.rowschema import SchemaTable
from tests.recipes import page, plan, stage, write


def look(schema: RowSchema) -> RowSchema:
    if schema.class_name == "pkg:Gone":
        raise SetupError(Problem("there is no such class", "name another"))
    return msgspec.structs.replace(schema, version="v_of_class")


TABLE = SchemaTable(lambda: ("ours_v1", "ours_v2"), look)
RECIPE = "stages:\n  - {id: a, module: m}\n"
REST = {"a.json": "{}", "sub/b.json": "{}"}

SCHEMAS = {
    "unknown": (
        "ours_v3",
        {},
        [
            "modules/m/module.yaml:3:1: there is no schema `ours_v3` [did you mean `ours_v2`?]",
        ],
    ),
    "no such file": (
        "rows.json",
        {},
        [
            "modules/m/module.yaml:3:1: there is no schema `rows.json` [name a JSON Schema file beside this file or the registry, a pydantic class `package.module:Class`, or a format of taximeter]",
        ],
    ),
    "a directory": (
        "deep",
        {"modules/deep/x": ""},
        [
            "modules/deep: this is a directory, not a file",
        ],
    ),
    "no JSON": (
        "rows.json",
        {"modules/m/rows.json": '{"type": "object"'},
        [
            "modules/m/rows.json:1:1: this `{` is never closed [close it]",
        ],
    ),
    "no map": (
        "rows.json",
        {"modules/m/rows.json": "[]"},
        [
            "modules/m/rows.json:1:1: a JSON Schema must be a map [write keywords, such as `type: object`]",
        ],
    ),
    "no JSON Schema": (
        "rows.json",
        {
            "modules/m/rows.json": '{"type": "objekt",\n "required": "id",\n "properties": {"a": {"minimum": "x", "pattern": "["}}}'
        },
        [
            "modules/m/rows.json:1:2: `objekt` is not a type [did you mean `object`?]",
            "modules/m/rows.json:2:2: `required` must be a list, not the text `id` [put it in [brackets]]",
            "modules/m/rows.json:3:23: `properties.a.minimum` must be a number, not the text `x`",
            "modules/m/rows.json:3:39: `[` is not a regular expression",
        ],
    ),
    "a rule of an older draft": (
        "rows.json",
        {
            "modules/m/rows.json": '{"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 2, "exclusiveMinimum": 3}'
        },
        [
            "modules/m/rows.json:1:70: `exclusiveMinimum` must be true or false, not the number 3",
        ],
    ),
    "another document": (
        "rows.json",
        {"modules/m/rows.json": '{"$ref": "http://127.0.0.1:1/x"}'},
        [
            "modules/m/rows.json:1:1: this JSON Schema cannot be used: `Resource 'http://127.0.0.1:1/x' is not present in a registry and retrieving it …` [refer only to `#/$defs/...`]",
        ],
    ),
    "a class": (
        "pkg:Gone",
        {},
        [
            "modules/m/module.yaml:3:1: there is no such class [name another]",
        ],
    ),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_that_cannot_be_used_is_told_before_anything_starts(name: str) -> None:
    schema, files, problems = SCHEMAS[name]
    for path, text in files.items():
        write(path, text)
    write("modules/m/module.yaml", f"module_id: m\ncommand: x\noutput_schema: {schema}\n")
    assert page(RECIPE, schemas=TABLE) == problems


@pytest.mark.parametrize("path", ["modules/m/rows.json", "modules/rows.json", "rows.json"])
def test_a_schema_file_is_looked_up_beside_the_module_in_the_registry_and_beside_it(path: str) -> None:
    file = write(path, "{}")
    write("modules/m/module.yaml", "module_id: m\ncommand: x\noutput_schema: rows.json\n")
    assert stage(RECIPE, schemas=TABLE).output_schema == RowSchema("rows", file=str(file.resolve()))


@pytest.mark.parametrize(
    ("file", "text", "version"),
    [
        ("chunk_v1.schema.json", "{}", "chunk_v1"),
        ("chunk.yaml", "type: object", "chunk"),
        ("chunk", "{}", "chunk"),
        ("x.json", json.dumps({"properties": {"schema_version": {"const": "chunk_v7"}}}), "chunk_v7"),
        ("x.json", json.dumps({"properties": {"schema_version": {"type": "string", "default": "chunk_v8"}}}), "chunk_v8"),
    ],
)  # fmt: skip
def test_the_version_of_rows_is_what_the_schema_says_else_its_name(file: str, text: str, version: str) -> None:
    write(f"modules/m/{file}", text)
    write("modules/m/module.yaml", f"module_id: m\ncommand: x\noutput_schema: {file}\n")
    found = stage(RECIPE, schemas=TABLE).output_schema
    assert found
    assert found.version == version


def modules(**schemas: str) -> None:
    for path, text in REST.items():
        write(path, text)
    for name, keys in schemas.items():
        write(f"modules/{name}/module.yaml", f"module_id: {name}\ncommand: x\n{keys}")


def test_stages_that_cannot_fit_each_other_are_told() -> None:
    modules(
        a="output_schema: ours_v1\n",
        b="input_schema: ours_v2\noutput_schema: pkg:Row\n",
        c="input_schema: other:Row\n",
    )
    recipe = """
stages:
  - {id: a, module: a}
  - {id: b, module: b, inputs: {rows: a}}
  - {id: c, module: c, inputs: {left: a, right: b}}
"""
    assert page(recipe.removeprefix("\n"), schemas=TABLE) == [
        "r.yaml:3:33: module `b` reads rows of `ours_v2`, stage `a` writes rows of `ours_v1` [put a stage between them, or make the two schemas one]",
        "r.yaml:4:33: module `c` reads rows of `other:Row`, stage `a` writes rows of `ours_v1` [put a stage between them, or make the two schemas one]",
    ]


def test_stages_fit_if_an_input_has_the_schema_or_may_have_it() -> None:
    modules(
        a="output_schema: a.json\n",
        b="input_schema: ./sub/../a.json\noutput_schema: pkg:Row\n",
        free="",
        c="input_schema: pkg:Row\n",
        d="input_schema: ours_v1\n",
    )
    recipe = """
stages:
  - {id: a, module: a}
  - {id: b, module: b, inputs: {rows: a}}
  - {id: c, module: c, inputs: {left: a, right: b}}
  - {id: plain, run: x}
  - {id: free, module: free}
  - {id: d, module: d, inputs: {x: plain}}
  - {id: e, module: d, inputs: {x: free}}
  - {id: f, module: d, inputs: {x: a.json}}
  - {id: g, module: d}
"""
    plan(recipe, schemas=TABLE)


def test_an_artifact_that_has_no_rows_cannot_have_a_schema() -> None:
    modules(a="output_schema: ours_v1\n")
    recipe = "outputs: {b: x.json}\nstages:\n  - {id: a, module: a, out: rows.csv}\n  - {id: b, module: a}\n"
    assert page(recipe, schemas=TABLE) == [
        "r.yaml:3:24: `rows.csv` has no rows that `ours_v1` could be checked against [end its name with `.jsonl` or `.json`, or take `output_schema` out of the module]",
    ]
