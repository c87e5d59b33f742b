"""A module without what is wrong in it, so that the rest, and the stages that use it, are checked in the same go."""

from __future__ import annotations

from pydantic import ValidationError

from taximeter.errors import Problem
from taximeter.recipe.holes import Holes
from taximeter.recipe.module import ModuleBlock
from taximeter.yamldoc import Document, KeyPath, Value
from taximeter.yamldoc.document import part
from taximeter.yamldoc.explain import misfits, tell
from taximeter.yamldoc.modelled import block_of, model_of
from taximeter.yamldoc.words import nearest

_CALLS = frozenset({"command", "entrypoint"})
_IDLE = {"command": "true"}


def salvage_module(document: Document, at: KeyPath, problems: list[Problem]) -> tuple[ModuleBlock, Holes] | None:
    """The block at a place without keys that cannot be used, which are added to the problems, and which those are.

    None if nobody knows what it is called.
    """
    data: Value = part(document.data, at)
    unclear = {path[len(at) :][:1] for path in document.unclear if path[: len(at)] == at}
    if () in unclear or ("module_id",) in unclear:
        return None
    unsure, model = {str(key) for (key,) in unclear}, model_of(ModuleBlock)
    if isinstance(data, dict) and unsure:
        data = {key: value for key, value in data.items() if key not in unsure}
    while True:
        try:
            return block_of(ModuleBlock, model.model_validate(data)), Holes((key,) for key in unsure)
        except ValidationError as error:
            found = misfits(error, data)
        told = {path: details for path, details in found.items() if path or _CALLS.isdisjoint(unsure)}
        problems.extend(tell(told, model, document, at))
        if not isinstance(data, dict) or ("module_id",) in found:
            return None
        bad = {str(path[0]) for path in found if path}
        unsure |= bad | _meant(bad - set(ModuleBlock.__struct_fields__))
        data = {key: value for key, value in data.items() if key not in bad}
        if () in found or "command" in unsure:  # nobody knows what it calls
            data = {**{key: value for key, value in data.items() if key not in _CALLS}, **_IDLE}


def _meant(unknown: set[str]) -> set[str]:
    """The keys that unknown ones were probably meant to be."""
    return {near for key in unknown if (near := nearest(key, ModuleBlock.__struct_fields__))}
