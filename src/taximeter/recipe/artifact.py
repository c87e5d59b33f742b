"""The artifact of a stage: a path inside the stage's own folder."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from taximeter.errors import Problem
from taximeter.recipe.drafts import Draft
from taximeter.recipe.load import Recipe
from taximeter.yamldoc import show

DEFAULT = "artifact.jsonl"

_OURS = re.compile(r"(log|calls|progress|usage)\.\d+\.[a-z]+")
"""Names of the files that a run itself puts into the folder of a stage."""


def artifact_of(draft: Draft, recipe: Recipe, problems: list[Problem]) -> str:
    """What the stage's own `out` says, else the recipe's `outputs` for its id or its kind, else the default."""
    outputs = recipe.block.outputs
    key = next((key for key in (draft.id, draft.kind) if key in outputs), None)
    if draft.block.out is not None:
        out, problem = draft.block.out, draft.problem("", ("out",))
    elif key is not None:
        out, problem = outputs[key], recipe.problem("", ("outputs", key))
    else:
        return DEFAULT
    ...


def _fault(out: str) -> tuple[str, str] | None:
    path = PurePosixPath(out)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return f"{show(out)} is no path inside the stage's folder", "write a file name, or folders and a file name"
    if _OURS.fullmatch(path.parts[0]):
        return f"{show(out)} is the name of a file that every run puts there", "choose another name"
    return None
