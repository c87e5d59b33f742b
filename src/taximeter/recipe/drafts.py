"""Stages on their way into the plan: named, and with their modules found."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from taximeter.errors import Problem
from taximeter.recipe.load import Recipe
from taximeter.recipe.model import NAMES, StageBlock
from taximeter.recipe.module import Module
from taximeter.recipe.plan import Source
from taximeter.recipe.registry import Registry
from taximeter.yamldoc import KeyPath, show
from taximeter.yamldoc.words import nearest_or_all


class Draft(msgspec.Struct):
    """A stage of the recipe, and what has been found out about it."""

    recipe: Recipe
    number: int
    """Its index in the recipe."""

    block: StageBlock
    id: str
    kind: str
    """Empty if nothing names the stage."""

    module: Module | None = None
    """None for a plain command, and where there is no such module."""

    inputs: dict[str, Source] = {}
    needs: dict[str, KeyPath] = {}
    """Ids of the stages that must be done first, and where in this stage it says so."""

    def problem(
        self, message: str, key_path: KeyPath = (), hint: str | None = None, *, within: str | None = None
    ) -> Problem:
        """A problem with a part of the stage."""
        return self.recipe.problem(message, ("stages", self.number, *key_path), hint, within=within)

    def is_unsure_of(self, key: str) -> bool:
        """Whether nobody knows all that the stage says under this key."""
        return self.recipe.holes.touch(("stages", self.number, key))

    @property
    def named_by(self) -> KeyPath:
        """Where in the document its id stands."""
        key = next((key for key in NAMES if getattr(self.block, key)), "")
        return ("stages", self.number, key)

    @property
    def has_unsure_name(self) -> bool:
        """Whether nobody knows what its author calls it."""
        told = next((key for key in NAMES if getattr(self.block, key) or self.is_unsure_of(key)), "")
        return self.is_unsure_of(told)


def draft_stages(recipe: Recipe, registry: Registry, problems: list[Problem]) -> list[Draft]:
    """A draft of each stage."""
    drafts = [_draft(recipe, number, block, registry) for number, block in enumerate(recipe.block.stages)]
    if recipe.is_linear:
        for draft, name in zip(drafts, distinct([draft.id for draft in drafts]), strict=True):
            draft.id = name
    problems.extend(problem for draft in drafts for problem in _module_problems(draft, registry))
    problems.extend(_name_problems(draft for draft in drafts if not draft.has_unsure_name))
    return drafts


def distinct(names: Sequence[str]) -> list[str]:
    """The names, with `-2`, `-3` and so on after those that have come before."""
    taken = set(names)
    numbers: dict[str, Iterator[int]] = {}
    ids = []
    for name in names:
        candidate = name
        if name in numbers:
            candidate = next(free for number in numbers[name] if (free := f"{name}-{number}") not in taken)
        else:
            numbers[name] = itertools.count(2)
        taken.add(candidate)
        ids.append(candidate)
    return ids


def _draft(recipe: Recipe, number: int, block: StageBlock, registry: Registry) -> Draft:
    module = registry.modules.get(block.module) if block.module else None
    kind = block.stage or (module.block.stage if module else None) or block.id or block.module or ""
    return Draft(recipe, number, block, block.id or kind, kind, module)


def _module_problems(draft: Draft, registry: Registry) -> Iterator[Problem]:
    name = draft.block.module
    if name and not draft.module and registry.path and registry.is_whole:
        message = f"there is no module {show(name)} in {show(str(registry.path))}"
        yield draft.problem(message, ("module",), nearest_or_all(name, registry.modules))


def _name_problems(drafts: Iterable[Draft]) -> Iterator[Problem]:
    first: dict[str, Draft] = {}
    for draft in drafts:
        if not draft.kind:
            yield draft.problem("the stage has no name", (), "give it a `stage` or an `id`")
        elif first.setdefault(draft.id, draft) is not draft:
            line, _ = draft.recipe.document.at(first[draft.id].named_by)
            message = f"there is another stage {show(draft.id)}, on line {line}"
            yield draft.recipe.problem(message, draft.named_by, "give one of them an `id` of its own")
