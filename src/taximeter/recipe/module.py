"""The public format of a `module.yaml`, and a module as the registry holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from taximeter.errors import Problem
from taximeter.recipe.entrypoint import parse_entrypoint
from taximeter.recipe.holes import Holes
from taximeter.yamldoc import Document, KeyPath
from taximeter.yamldoc.authored import FREE_KEYS, Authored, Flaw, Name, Rule, Text


def _an_entrypoint(text: Any) -> Any:
    if not isinstance(text, str) or parse_entrypoint(text) is None:
        raise ValueError("this is not an entrypoint")
    return text


def _exactly_an_entrypoint() -> tuple[Any, ...]:
    from pydantic import AfterValidator
    from pydantic_core import PydanticCustomError

    def check(text: str) -> str:
        if parse_entrypoint(text) is None:
            hint = "write `path.py`, `package.module` or `path.py:function`; for another language, give a `command`"
            raise PydanticCustomError("setup", "this is not an entrypoint", {"hint": hint})
        return text

    return (AfterValidator(check),)


Entrypoint = Annotated[str, Rule(_exactly_an_entrypoint, _an_entrypoint)]


class ModuleBlock(Authored, frozen=True, kw_only=True):
    """A reusable program: what it reads, writes and can be told."""

    TITLE = "Module"
    SCHEMA: ClassVar = FREE_KEYS | {"anyOf": [{"required": ["entrypoint"]}, {"required": ["command"]}]}

    module_id: Text
    """The name by which recipes use it."""

    stage: Text | None = None
    """The kind of stage that it makes."""

    entrypoint: Entrypoint | None = None
    """`path.py`, `package.module` or `path.py:function`; a path from this file's folder, else the working directory."""

    command: Text | Annotated[list[str], Meta(min_length=1)] | None = None
    """Template of its command, for any language; else the entrypoint gets an option for each input and parameter."""

    input_schema: Text | None = None
    """Schema of the rows that it reads, named as in `output_schema`."""

    output_schema: Text | None = None
    """Schema of its rows: a JSON Schema file, a pydantic class `package.module:Class`, or a format of ours."""

    default_params: dict[Name, Any] = {}
    """Parameters that a recipe need not give."""

    param_schema: dict[str, Any] | None = None
    """JSON Schema of the parameters; `type: object` may be left out."""

    mock: Entrypoint | None = None
    """An entrypoint that takes its place when a run is mocked."""

    notes: str | None = None
    """Free text for people."""

    def flaw(self) -> Flaw | None:
        """It can be called."""
        if self.entrypoint is None and self.command is None:
            return Flaw("the module has neither `entrypoint` nor `command`", "give it one of them")
        return None


class Module(msgspec.Struct, frozen=True):
    """A module and where it was authored."""

    block: ModuleBlock
    document: Document
    at: KeyPath = ()
    """Where in the document it stands: a registry can be one file."""

    registry: Path | None = None
    """The registry in which it was found."""

    holes: Holes = Holes()
    """What of it could not be used."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where its schemas are looked up: beside its file, in the registry, and beside that."""
        return (self.folder,) if self.registry is None else (self.folder, self.registry, self.registry.parent)

    @property
    def folder(self) -> Path:
        """Where its files are looked up first."""
        return Path(self.document.name).parent

    def problem(
        self, message: str, key_path: KeyPath = (), hint: str | None = None, *, within: str | None = None
    ) -> Problem:
        """A problem with a part of the module."""
        return self.document.problem(message, (*self.at, *key_path), hint, within=within)
