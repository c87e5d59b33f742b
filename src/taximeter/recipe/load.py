"""A recipe as it was authored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from taximeter.errors import Problem, SetupError
from taximeter.recipe.model import RecipeBlock
from taximeter.yamldoc import Document, KeyPath, Value, load
from taximeter.yamldoc.explain import explain

_NEEDED_BY_STAGES = {"input", "stage_params"}
_MAKES_A_GRAPH = {"id", "needs", "inputs"}


class Recipe(msgspec.Struct, frozen=True):
    """A recipe and where each part of it stands."""

    block: RecipeBlock
    document: Document
    broken: frozenset[int] = frozenset()
    """Indexes of stages that cannot be used: something harmless stands in their place."""

    @property
    def name(self) -> str:
        """What the recipe is called."""
        return self.block.name or Path(self.document.name).stem

    @property
    def is_linear(self) -> bool:
        """Whether each stage reads what the one before it wrote."""
        match self.document.data:
            case {"stages": list(stages)}:
                return not any(isinstance(stage, dict) and stage.keys() & _MAKES_A_GRAPH for stage in stages)
        return False

    def problem(
        self, message: str, key_path: KeyPath = (), hint: str | None = None, *, within: str | None = None
    ) -> Problem:
        """A problem with a part of the recipe."""
        return self.document.problem(message, key_path, hint, within=within)


def load_recipe(path: Path) -> Recipe:
    """The recipe in a file, each key checked by itself; SetupError with every problem found."""
    problems: list[Problem] = []
    recipe = read_recipe(path, problems)
    if recipe is None or problems:
        raise SetupError(*problems)
    return recipe


def read_recipe(path: Path, problems: list[Problem]) -> Recipe | None:
    """As much of the recipe as can be used; what is wrong with the rest is added to the problems."""
    try:
        document = load(path)
    except SetupError as error:
        problems.extend(error.problems)
        return None
    try:
        return Recipe(RecipeBlock.model_validate(document.data), document)
    except ValidationError as error:
        problems.extend(explain(error, RecipeBlock, document))
        return _salvage(document, error)


def _salvage(document: Document, error: ValidationError) -> Recipe | None:
    """The recipe without what is wrong, so that the rest is checked in the same go; None if too little is left."""
    places = {detail["loc"][:2] for detail in error.errors(include_url=False, include_input=False)}
    if not isinstance(document.data, dict) or any(
        place[0] in _NEEDED_BY_STAGES or place == ("stages",) for place in places
    ):
        return None
    rest: dict[str, Any] = {key: value for key, value in document.data.items() if (key,) not in places}
    for key, value in rest.items():
        if isinstance(value, dict):
            rest[key] = {inner: part for inner, part in value.items() if (key, inner) not in places}
        elif key == "stages":
            rest[key] = [_stand_in(stage) if (key, index) in places else stage for index, stage in enumerate(value)]
    broken = frozenset(place[1] for place in places if place[0] == "stages" and isinstance(place[1], int))
    return Recipe(RecipeBlock.model_validate(rest), document, broken)


def _stand_in(stage: Value) -> dict[str, Value]:
    """A stage that has the same name and does nothing."""
    names = [stage.get(key) for key in ("id", "stage", "module")] if isinstance(stage, dict) else []
    return {"stage": next((name for name in names if isinstance(name, str) and name.strip()), "?"), "run": "true"}
