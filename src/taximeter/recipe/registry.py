"""The registry: every module that recipes can name."""

from __future__ import annotations

from pathlib import Path

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.recipe.holes import Holes
from taximeter.recipe.lookup import look_up
from taximeter.recipe.module import Module, ModuleBlock
from taximeter.yamldoc import Document, KeyPath, load_in_part, show
from taximeter.yamldoc.authored import take
from taximeter.yamldoc.document import part

MODULE_FILE = "module.yaml"


class Registry(msgspec.Struct):
    """Modules by their id."""

    path: Path | None = None
    """Where they were looked for; None if there is no such place."""

    modules: dict[str, Module] = {}
    is_whole: bool = True
    """Whether all of them are known: no file, and no module in one, is so wrong that nobody knows what it is called."""


def load_registry(path: Path) -> dict[str, Module]:
    """Modules by their id: of every `module.yaml` below a directory, or of one YAML file that has them all.

    SetupError with every problem found.
    """
    problems: list[Problem] = []
    registry = read_registry(path, problems)
    if problems:
        raise SetupError(*problems)
    return registry.modules


def find_registry(recipe: Path, cwd: Path) -> Path | None:
    """The registry when none is named: `modules/` beside the recipe, then in the working directory."""
    return look_up("modules", recipe.parent, cwd)


def read_registry(path: Path, problems: list[Problem]) -> Registry:
    """As much of the modules as can be used; what is wrong with the rest is added to the problems."""
    registry = Registry(path)
    for file in sorted(path.rglob(MODULE_FILE)) if path.is_dir() else [path]:
        document = load_in_part(file, problems)
        if document is None:
            registry.is_whole = False
            continue
        for at in _modules_in(document):
            _register(document, at, registry, problems)
    return registry


def _modules_in(document: Document) -> list[KeyPath]:
    """Where the modules of a file stand: it is one, or a list of them, or has them under `modules`."""
    match document.data:
        case list():
            at: KeyPath = ()
        case {"modules": list()}:
            at = ("modules",)
        case _:
            return [()]
    modules = part(document.data, at)
    return [(*at, index) for index in range(len(modules))] if isinstance(modules, list) else []


def _usable(document: Document, at: KeyPath, problems: list[Problem]) -> tuple[ModuleBlock, Holes] | None:
    """As much of the module as can be used, and what cannot; None if that is nothing."""
    if not document.unclear and (block := take(ModuleBlock, part(document.data, at))) is not None:
        return block, Holes()
    from taximeter.recipe.salvage_module import salvage_module  # loads pydantic, for which what fits does not wait

    return salvage_module(document, at, problems)


def _register(document: Document, at: KeyPath, registry: Registry, problems: list[Problem]) -> None:
    salvaged = _usable(document, at, problems)
    if salvaged is None:
        registry.is_whole = False
        return
    block, holes = salvaged
    first = registry.modules.get(block.module_id)
    if first is None:
        registry.modules[block.module_id] = Module(block, document, at, registry.path, holes)
        return
    line, _ = first.document.at((*first.at, "module_id"))
    message = f"there is another module {show(block.module_id)}"
    problems.append(
        document.problem(message, (*at, "module_id"), f"the first is in {first.document.name}, line {line}")
    )
