"""The artifact of a stage: a path inside the stage's own folder."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from taximeter.errors import Problem
from taximeter.recipe.drafts import Draft
from taximeter.recipe.load import Recipe
from taximeter.rundir import SHARDS
from taximeter.yamldoc import KeyPath, show

DEFAULT = "artifact.jsonl"
WITH_ROWS = (".jsonl", ".json")
"""Endings of artifacts with rows: each line is one, or the whole file."""

OURS = re.compile(rf"(log|calls|progress|usage|check)\.\d+\.[a-z]+|reused\.json|{SHARDS}")
"""Names of what a run itself puts into the folder of a stage."""


def artifact_of(draft: Draft, recipe: Recipe, problems: list[Problem]) -> str:
    """What the stage's own `out` says, else the recipe's `outputs` for its id or its kind, else the default."""
    if draft.block.out is not None:
        return _checked(draft.block.out, draft, ("out",), problems)
    for key in (draft.id, draft.kind):
        if key in recipe.block.outputs:
            return _checked(recipe.block.outputs[key], recipe, ("outputs", key), problems)
    return DEFAULT


def _checked(out: str, author: Draft | Recipe, at: KeyPath, problems: list[Problem]) -> str:
    path = PurePosixPath(out)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        message = f"{show(out)} is no path inside the stage's folder"
        problems.append(author.problem(message, at, "write a file name, or folders and a file name"))
    elif OURS.fullmatch(path.parts[0]):
        message = f"{show(out)} is the name of something that a run puts there"
        problems.append(author.problem(message, at, "choose another name"))
    return out
