"""A recipe without what is wrong in it, so that the rest is checked in the same go."""

from __future__ import annotations

import copy
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from taximeter.errors import Problem
from taximeter.recipe.holes import Holes
from taximeter.recipe.model import NAMES, RecipeBlock, StageBlock
from taximeter.yamldoc import Document, KeyPath, Value
from taximeter.yamldoc.document import part
from taximeter.yamldoc.explain import misfits, tell
from taximeter.yamldoc.modelled import block_of, model_of
from taximeter.yamldoc.words import nearest

_HARMLESS = "?"
_IDLE = {"run": "true"}


def salvage(document: Document, problems: list[Problem]) -> tuple[RecipeBlock, Holes] | None:
    """The block without what does not fit, which is added to the problems, and where that was.

    None if nothing of the stages is left.
    """
    data, holes = document.data, set[KeyPath]()
    model = model_of(RecipeBlock)
    if document.unclear:
        data = copy.deepcopy(data)
        for path in sorted(document.unclear, key=len):
            if not isinstance(data, dict) or path in ((), ("stages",)):
                return None
            if not any(path[:length] in holes for length in range(1, len(path))):  # else it went with what it was in
                holes |= _clear(data, path)
    while True:
        try:
            return block_of(RecipeBlock, model.model_validate(data)), Holes(holes)
        except ValidationError as error:
            found = misfits(error, data)
        told = {path: details for path, details in found.items() if not _follows(path, holes)}
        problems.extend(tell(told, model, document))
        if not isinstance(data, dict) or ("stages",) in found:
            return None
        if not holes and not document.unclear:
            data = copy.deepcopy(data)
        for path, details in found.items():
            if path[:-1] not in holes:  # else it has gone already, with the list that it was in
                holes |= _take_out(data, path, details)


def _clear(data: Value, path: KeyPath) -> set[KeyPath]:
    """Takes out what is unclear; of a list all of it."""
    container: Any = part(data, path[:-1])
    key = path[-1]
    if isinstance(container, list):
        return _calm(container, key, path) if path[:-1] == ("stages",) else _clear(data, path[:-1])
    if key not in NAMES or not isinstance(container.get(key), str):  # else what it is called is good enough
        container.pop(key, None)
    return {path}


def _follows(path: KeyPath, holes: set[KeyPath]) -> bool:
    """Whether a stage or a budget as a whole does not fit only because of a hole in it."""
    if path[-1:] == ("budget",):
        return any(hole[:-1] == path for hole in holes)
    return not holes.isdisjoint((*path, key) for key in ("module", "run"))


def _take_out(data: Value, path: KeyPath, details: list[ErrorDetails]) -> set[KeyPath]:
    """Puts something harmless where the value does not fit, or nothing; says which places are unknown now."""
    container: Any = part(data, path[:-1])
    key = path[-1]
    if path[:-1] == ("stages",):
        return _calm(container, key, path)
    if details[0]["type"] == "extra_forbidden":
        del container[key]
        return _meant(path, container)
    if isinstance(key, int):
        if not details[0]["type"].startswith("string"):
            return _take_out(data, path[:-1], details)  # in a list of something else than texts nothing is harmless
        container[key] = _HARMLESS
    elif key in NAMES and isinstance(container[key], int | float):
        container[key] = str(container[key])
    else:
        del container[key]
    return {path}


def _calm(stages: Any, index: Any, path: KeyPath) -> set[KeyPath]:
    """A stage that is none, or of which nobody knows what it runs, runs nothing."""
    stage = stages[index]
    if isinstance(stage, dict):
        stages[index] = {key: value for key, value in stage.items() if key not in ("module", "run")} | _IDLE
        return {(*path, "module"), (*path, "run")}
    stages[index] = _IDLE | ({"stage": stage} if isinstance(stage, str) and stage.strip() else {})
    return {path}


def _meant(path: KeyPath, container: dict[str, Value]) -> set[KeyPath]:
    """The key that an unknown one was probably meant to be."""
    if path[-2:-1] == ("budget",):
        return {path}
    block = StageBlock if path[0] == "stages" else RecipeBlock
    near = nearest(str(path[-1]), block.__struct_fields__)
    return {(*path[:-1], near)} if near and near not in container else set()
