"""What each stage reads, and so what it must wait for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from taximeter.errors import Problem
from taximeter.recipe.drafts import Draft
from taximeter.recipe.load import Recipe
from taximeter.recipe.lookup import look_up, names_beside
from taximeter.recipe.plan import Source
from taximeter.yamldoc import show
from taximeter.yamldoc.words import did_you_mean, nearest_or_all


def wire(drafts: Collection[Draft], recipe: Recipe, cwd: Path) -> Iterator[Problem]:
    """Finds the inputs and needs of each stage; the problems are what cannot be found."""
    for name, path in recipe.block.input.items():
        if not look_up(path, cwd):
            hint = _beside(path, recipe) or did_you_mean(path, names_beside(path, cwd))
            if hint is None and not Path(path).is_absolute():
                hint = "it is looked up in the working directory"
            yield recipe.problem(f"there is no file {show(path)}", ("input", name), hint)
    if recipe.is_linear:
        _chain(drafts, recipe)
        return
    ids = dict.fromkeys(sorted(draft.id for draft in drafts if draft.kind))
    for draft in drafts:
        yield from _needs(draft, ids)
        yield from _inputs(draft, ids, cwd)


def _beside(path: str, recipe: Recipe) -> str | None:
    """A hint, if the file is where the recipe is, and not where its paths are looked up."""
    folder = Path(recipe.document.name).parent
    if Path(path).is_absolute() or not look_up(path, folder):
        return None
    return f"it is beside the recipe, and looked up in the working directory: go to {show(str(folder))} first"


def _chain(drafts: Collection[Draft], recipe: Recipe) -> None:
    before: Draft | None = None
    for draft in drafts:
        if before is None:
            draft.inputs = {name: Source(path=path) for name, path in recipe.block.input.items()}
        else:
            draft.inputs = {"input": Source(stage=before.id)}
            draft.needs = {before.id: ()}
        before = draft


def _inputs(draft: Draft, ids: Collection[str], cwd: Path) -> Iterator[Problem]:
    for name, value in draft.block.inputs.items():
        if value in ids:
            draft.inputs[name] = Source(stage=value)
            draft.needs.setdefault(value, ("inputs", name))
        else:
            draft.inputs[name] = Source(path=value)
            if not look_up(value, cwd):
                hint = (
                    _beside(value, draft.recipe)
                    or did_you_mean(value, [*ids, *names_beside(value, cwd)])
                    or nearest_or_all(value, ids)
                )
                yield draft.problem(f"there is no stage and no file {show(value)}", ("inputs", name), hint)


def _needs(draft: Draft, ids: Collection[str]) -> Iterator[Problem]:
    for index, name in enumerate(draft.block.needs):
        if name in ids:
            draft.needs.setdefault(name, ("needs", index))
        else:
            yield draft.problem(f"there is no stage {show(name)}", ("needs", index), nearest_or_all(name, ids))
