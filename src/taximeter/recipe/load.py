"""A recipe as it was authored."""

from __future__ import annotations

from pathlib import Path

import msgspec

from taximeter.errors import Problem
from taximeter.recipe.holes import Holes
from taximeter.recipe.model import RecipeBlock
from taximeter.yamldoc import Document, KeyPath, Overlaid, load_in_part
from taximeter.yamldoc.authored import take
from taximeter.yamldoc.words import MAP, describe, mend

_MAKES_A_GRAPH = {"id", "needs", "inputs"}


class Recipe(msgspec.Struct, frozen=True):
    """A recipe and where each part of it stands."""

    block: RecipeBlock
    document: Document
    holes: Holes = Holes()
    """What of it could not be used."""

    @property
    def name(self) -> str:
        """What the recipe is called."""
        return self.block.name or Path(self.document.name).stem

    @property
    def is_linear(self) -> bool:
        """Whether each stage reads what the one before it wrote."""
        match self.document.data:
            case {"stages": list(stages)}:
                return not any(
                    isinstance(stage, dict) and (stage.keys() & _MAKES_A_GRAPH or self._means_a_graph(number))
                    for number, stage in enumerate(stages)
                )
        return False

    def _means_a_graph(self, number: int) -> bool:
        return any(("stages", number, key) in self.holes for key in _MAKES_A_GRAPH)

    def problem(
        self, message: str, key_path: KeyPath = (), hint: str | None = None, *, within: str | None = None
    ) -> Problem:
        """A problem with a part of the recipe."""
        return self.document.problem(message, key_path, hint, within=within)

    def has_guessed(self, problem: Problem) -> bool:
        """Whether a problem is only about what stands in for something that could not be used."""
        return problem.path in self.document.names and self.holes.explains(problem)


def read_recipe(path: Path, settings: Path | None, problems: list[Problem]) -> Recipe | None:
    """As much of the recipe as can be used; what is wrong with the rest is added to the problems.

    `settings` is a file with keys of a recipe, which is laid over it.
    """
    document = load_in_part(path, problems)
    over = load_in_part(settings, problems) if settings else None
    if document is None or (settings and over is None):
        return None
    if over is not None:
        if not isinstance(over.data, dict):
            problems.append(
                over.problem("settings must be a map", (), "write keys of a recipe, such as `stage_params`")
            )
            return None
        document = Overlaid(document, over)
    if not isinstance(document.data, dict) and not document.unclear:
        message = f"a recipe must be a map, not {describe(document.data)}"
        hint = mend(document.data, [MAP]) or "write `stages:`, and a list of them below it"
        problems.append(document.problem(message, (), hint))
        return None
    if not document.unclear and (block := take(RecipeBlock, document.data)) is not None:
        return Recipe(block, document)
    from taximeter.recipe.salvage import salvage  # loads pydantic, for which a recipe that fits does not wait

    salvaged = salvage(document, problems)
    return Recipe(salvaged[0], document, salvaged[1]) if salvaged else None
