"""Schemas of the rows that stages read and write: a JSON Schema in a file, a pydantic class, or a format of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.recipe.drafts import Draft
from taximeter.recipe.lookup import is_utf_8, look_up
from taximeter.recipe.module import Module
from taximeter.recipe.plan import RowSchema, Source
from taximeter.recipe.rowjson import compile_schema
from taximeter.recipe.schema import schema_faults
from taximeter.yamldoc import load, show
from taximeter.yamldoc.words import did_you_mean

_CLASS = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_ENDING = re.compile(r"(\.schema)?\.(json|yaml|yml)$")


class SchemaTable(msgspec.Struct, frozen=True):
    """What of schemas is only known above this layer."""

    formats: Callable[[], Collection[str]] = tuple
    """Gives the names of the formats of ours."""

    look_at_class: Callable[[RowSchema], RowSchema] = lambda schema: schema
    """The schema with the version that its class gives; SetupError (without a place) if the class cannot be used."""


class RowSchemas:
    """Finds the schemas that modules name, each once; what is wrong with them is added to the problems."""

    def __init__(self, table: SchemaTable, cwd: Path, problems: list[Problem]) -> None:
        self._table = table
        self._cwd = cwd
        self._problems = problems
        self._found: dict[tuple[str, str], RowSchema | None] = {}

    def of(self, module: Module, key: str) -> RowSchema | None:
        """What a module says under `input_schema` or `output_schema`; None if it says nothing that can be used."""
        text = getattr(module.block, key)
        at = (module.block.module_id, key)
        if text is not None and at not in self._found:
            try:
                self._found[at] = self._find(text, module)
            except SetupError as error:
                self._found[at] = None
                self._problems += (p if p.path else module.problem(p.message, (key,), p.hint) for p in error.problems)
        return self._found.get(at)

    def _find(self, text: str, module: Module) -> RowSchema:
        if text in self._table.formats():
            return RowSchema(text, format=text)
        if _CLASS.fullmatch(text):
            folders = tuple(_whole(folder.absolute()) for folder in (*module.folders, self._cwd))
            return self._table.look_at_class(RowSchema(text, class_name=text, folders=folders))
        path = look_up(text, *module.folders, self._cwd)
        if path is None:
            hint = did_you_mean(text, self._table.formats()) or (
                "name a JSON Schema file beside this file or the registry, a pydantic class `package.module:Class`, "
                "or a format of taximeter"
            )
            raise SetupError(Problem(f"there is no schema {show(text)}", hint))
        return RowSchema(_version(_read(path), path), file=_whole(path.resolve()))


def _whole(path: Path) -> str:
    """A path for whoever checks the rows, another process, which is told it as JSON."""
    if not is_utf_8(str(path)):
        raise SetupError(Problem("the whole path of this schema is not UTF-8", "rename the folder whose name is not"))
    return str(path)


def _read(path: Path) -> dict[str, Any]:
    document = load(path)
    if not isinstance(document.data, dict):
        raise SetupError(document.problem("a JSON Schema must be a map", (), "write keywords, such as `type: object`"))
    if faults := schema_faults(document.data):
        raise SetupError(*(document.problem(fault.message, fault.path, fault.hint) for fault in faults))
    try:
        compile_schema(document.data)
    except ValueError as error:
        message = f"this JSON Schema cannot be used: {show(getattr(error, 'message', str(error)))}"
        raise SetupError(document.problem(message, (), "refer only to `#/$defs/...`")) from None
    return document.data


def _version(schema: dict[str, Any], path: Path) -> str:
    """What a schema wants `schema_version` to be, else the name of its file without the ending."""
    match schema.get("properties"):
        case {"schema_version": {"const": str() as version} | {"default": str() as version}}:
            return version
    return _ENDING.sub("", path.name)


def check_inputs(drafts: Iterable[Draft], schemas: RowSchemas) -> Iterator[Problem]:
    """Stages that read none of what they are made to read.

    Of several inputs one has to fit, since a module has one `input_schema`. Nobody knows the schema of a file, nor of
    what a plain command or a module without `output_schema` writes: it may fit.
    """
    of = {draft.id: draft for draft in drafts}
    for draft in of.values():
        wanted = schemas.of(draft.module, "input_schema") if draft.module else None
        if wanted is None or not draft.inputs:
            continue
        made = {name: _made(source, of, schemas) for name, source in draft.inputs.items()}
        if any(schema is None or schema.is_same(wanted) for schema in made.values()):
            continue
        name, schema = next(iter(made.items()))
        assert draft.module
        message = (
            f"module {show(draft.module.block.module_id)} reads rows of {show(draft.module.block.input_schema or '')}, "
            f"stage {show(draft.inputs[name].stage or '')} writes rows of {show(schema.version if schema else '')}"
        )
        yield draft.problem(message, ("inputs", name), "put a stage between them, or make the two schemas one")


def _made(source: Source, of: Mapping[str, Draft], schemas: RowSchemas) -> RowSchema | None:
    producer = of.get(source.stage or "")
    return schemas.of(producer.module, "output_schema") if producer and producer.module else None
