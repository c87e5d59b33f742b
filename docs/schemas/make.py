"""Writes the JSON Schema of every file format of ours beside this file."""

import ast
import inspect
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
from pydantic import BaseModel

# Descriptions are read from the source of the models, which takes a tenth of a second: only here, before they are made.
BaseModel.model_config["use_attribute_docstrings"] = True

from taximeter.cli.schemas import SCHEMAS  # noqa: E402
from taximeter.report.records import Record  # noqa: E402
from taximeter.yamldoc.authored import Authored  # noqa: E402


def schemas() -> dict[str, bytes]:
    """Content of each schema file by its name."""
    about = "https://json-schema.org/draft/2020-12/schema"
    made = {name: model.model_json_schema(mode="validation") for name, model in SCHEMAS.items()}
    structs = {getattr(struct, "TITLE", struct.__name__): struct for struct in below(Record) | below(Authored)}
    for schema in made.values():
        for part in (schema, *schema.get("$defs", {}).values()):
            if part.get("title") in structs:  # what is a class of pydantic itself is described already
                describe(part, structs[part["title"]])
    return {
        f"{name}.json": msgspec.json.format(msgspec.json.encode({"$schema": about} | schema), indent=2) + b"\n"
        for name, schema in made.items()
    }


def below(base: type) -> set[type]:
    """All classes below a class."""
    own = base.__subclasses__()
    return {*own}.union(*map(below, own))


def describe(schema: dict[str, Any], record: type) -> None:
    """Adds what stands below the fields of a struct."""
    texts = descriptions(record)
    for of in msgspec.structs.fields(record):
        if of.name in texts:
            field = schema["properties"][of.encode_name] | {"description": texts[of.name]}
            schema["properties"][of.encode_name] = dict(sorted(field.items()))


def descriptions(record: type) -> dict[str, str]:
    """The texts below the fields of a class and of those above it."""
    found = {}
    for cls in reversed(record.__mro__):
        if cls.__module__.startswith("taximeter."):
            body = ast.parse(dedent(inspect.getsource(cls))).body[0].body
            for field, text in pairwise(body):
                if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                    found[field.target.id] = inspect.cleandoc(text.value.value)
    return found


if __name__ == "__main__":
    for name, content in schemas().items():
        Path(__file__).with_name(name).write_bytes(content)
