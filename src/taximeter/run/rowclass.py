"""The pydantic class that a module names as its schema. A program of its own looks at it: it is foreign code."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.recipe.plan import RowSchema
from taximeter.redact import brief
from taximeter.settings import without_metering
from taximeter.yamldoc import show

if TYPE_CHECKING:
    from pydantic import BaseModel

_PATIENCE = 60.0
"""Seconds that importing the package may take."""

_HINT = "it is looked up beside the module's file, in the registry, beside that, and in the working directory"


def look_at_class(schema: RowSchema) -> RowSchema:
    """The schema with the version that its class gives; SetupError if there is no such class or it is no model."""
    name = show(schema.class_name or "")
    command = [sys.executable, "-P", "-m", __name__, msgspec.json.encode(schema).decode()]
    try:
        done = subprocess.run(
            command,
            env=without_metering(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        message = f"importing {name} takes longer than {_PATIENCE:.0f} s"
        raise SetupError(Problem(message, "a schema should not do anything when it is imported")) from None
    last = (done.stderr if done.returncode else done.stdout).decode(errors="replace").strip().rpartition("\n")[2]
    if done.returncode:
        reason = brief(last) or f"exit code {done.returncode}"
        raise SetupError(Problem(f"the class {name} cannot be used: {reason}", _HINT))
    return msgspec.structs.replace(schema, version=last)


def find_class(schema: RowSchema) -> type[BaseModel]:
    """The class itself, imported; whatever its package raises, and TypeError if it is no pydantic model."""
    from pydantic import BaseModel

    package, _, path = (schema.class_name or "").partition(":")
    sys.path[:0] = schema.folders
    found: object = importlib.import_module(package)
    for name in path.split("."):
        found = getattr(found, name)
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise TypeError(f"{path} is no class of pydantic")
    return found


def _version(model: type[BaseModel], otherwise: str) -> str:
    field = model.model_fields.get("schema_version")
    return field.default if field and isinstance(field.default, str) else otherwise


def main(text: str) -> None:
    """Prints the version of the rows of a class."""
    schema = msgspec.json.decode(text, type=RowSchema)
    print(_version(find_class(schema), schema.version))  # noqa: T201 (this is a program)


if __name__ == "__main__":
    main(sys.argv[1])
