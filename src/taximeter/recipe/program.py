"""A module made ready for a plan, once for all stages that use it: schema read, template split, files found."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import msgspec

from taximeter.errors import Problem
from taximeter.recipe import shell
from taximeter.recipe.command import faults, with_interpreter
from taximeter.recipe.drafts import Draft
from taximeter.recipe.entrypoint import Entrypoint, parse_entrypoint
from taximeter.recipe.lookup import look_up
from taximeter.recipe.module import Module
from taximeter.recipe.schema import ParamSchema
from taximeter.yamldoc import show


class Program(msgspec.Struct, frozen=True):
    """What the stages of a plan need to know of a module."""

    module: Module
    schema: ParamSchema | None = None
    template: tuple[str, ...] = ()
    """The command that its author wrote; empty if it is made from the entrypoint."""

    entrypoint: Entrypoint = Entrypoint()
    path: str | None = None
    """The entrypoint's file, where it was found."""

    mocked: bool = False
    """The entrypoint is the module's stand-in."""

    @property
    def defaults(self) -> dict[str, Any]:
        """What the schema says about parameters that are not given."""
        return self.schema.defaults if self.schema else {}

    @property
    def declared(self) -> set[str]:
        """The parameters that the module speaks of."""
        return {*(self.schema.names if self.schema else ()), *self.module.block.default_params}

    def command(self, inputs: Collection[str], params: Collection[str]) -> tuple[str, ...]:
        """Template of the command of a stage that has these inputs and parameters."""
        return self.template or self.entrypoint.command(self.path, inputs, params)

    def collisions(self, draft: Draft, params: Collection[str]) -> Iterator[Problem]:
        """Options that the command of the stage would have twice."""
        if self.template or not self.entrypoint.takes_options:
            return
        for name, count in Counter([*draft.inputs, "out", *params]).items():
            if count > 1:
                message = f"the option {show(f'--{name}')} would be given twice"
                yield draft.problem(message, (), "an input, a parameter and `out` cannot have the same name")


def prepare(module: Module, stand_in: str | None, cwd: Path, problems: list[Problem]) -> Program:
    """The program of a module, or of the entrypoint that stands in for it."""
    schema = _schema(module, problems)
    command, key, name = module.block.command, "mock", stand_in
    if name is None:
        if command is not None:
            return Program(module, schema, _template(module, command, problems))
        key, name = "entrypoint", module.block.entrypoint or ""
    entrypoint = parse_entrypoint(name) or Entrypoint()
    path = _find(module, key, entrypoint.file, cwd, problems) if entrypoint.file else None
    if path is None and look_up(name, module.folder, cwd):
        hint = "give a `command` for a program in another language"
        problems.append(module.problem(f"{show(name)} is a file, but not one of Python", (key,), hint))
    return Program(module, schema, (), entrypoint, path, mocked=stand_in is not None)


def _schema(module: Module, problems: list[Problem]) -> ParamSchema | None:
    if module.block.param_schema is None:
        return None
    schema = ParamSchema(module.block.param_schema)
    found = [module.problem(fault.message, ("param_schema", *fault.path), fault.hint) for fault in schema.faults()]
    problems.extend(found)
    return None if found else schema


def _find(module: Module, key: str, file: str, cwd: Path, problems: list[Problem]) -> str | None:
    found = look_up(file, module.folder, cwd)
    if found is None:
        hint = "it is looked up beside this file, then in the working directory"
        problems.append(module.problem(f"there is no file {show(file)}", (key,), hint))
    return str(found)


def _template(module: Module, command: str | list[str], problems: list[Problem]) -> tuple[str, ...]:
    try:
        arguments = shlex.split(command) if isinstance(command, str) else command
    except ValueError as error:
        message, hint = f"the command cannot be split: {error}", "close each quote, or write it as a list of words"
        problems.append(module.problem(message, ("command",), hint))
        return ()
    if isinstance(command, str) and (sign := shell.first_sign(command)):
        message = f"{show(sign)} is for a shell, and none runs this command"
        hint = f"""call one: sh -c 'wc -l "$1" > "$2"' sh {{inputs.NAME}} {{out}}; for the text itself write '{sign}'"""
        problems.append(module.problem(message, ("command",), hint, within=sign))
    for index, fault in faults(arguments):
        at = ("command", index) if isinstance(command, list) else ("command",)
        problems.append(module.problem(fault.message, at, fault.hint, within=fault.text))
    return with_interpreter(arguments)
