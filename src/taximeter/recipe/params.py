"""Parameters of a stage: gathered from all layers, each with its author, and checked by the module's schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.recipe.drafts import Draft
from taximeter.recipe.load import Recipe
from taximeter.recipe.overrides import Override
from taximeter.recipe.program import Program
from taximeter.yamldoc import KeyPath, Value, show
from taximeter.yamldoc.words import nearest_or_all


class Setting(msgspec.Struct, frozen=True):
    """The value of a parameter and where it was set."""

    value: Value
    author: Callable[[str, KeyPath, str | None], Problem]
    """Makes a problem of a message, a key path and a hint."""

    at: KeyPath = ()

    def problem(self, message: str, inside: KeyPath = (), hint: str | None = None) -> Problem:
        """A problem with the value, or with a part of it."""
        return self.author(message, (*self.at, *inside), hint)


def gather(draft: Draft, recipe: Recipe, program: Program | None, overrides: Iterable[Override]) -> dict[str, Setting]:
    """The parameters of a stage; of the layers that set one, the last wins."""
    settings: dict[str, Setting] = {}

    def layer(values: Mapping[str, Value], author: Callable[..., Problem], *at: str, then: KeyPath = ()) -> None:
        settings.update({name: Setting(value, author, (*at, name, *then)) for name, value in values.items()})

    if program:
        layer(program.defaults, program.module.problem, "param_schema", "properties", then=("default",))
        layer(program.module.block.default_params, program.module.problem, "default_params")
    for key in dict.fromkeys((draft.kind, draft.id)):
        layer(recipe.block.stage_params.get(key, {}), recipe.problem, "stage_params", key)
    layer(draft.block.params, draft.problem, "params")
    for override in overrides:
        settings[override.param] = Setting(override.value, override.problem)
    return settings


def misdirected(draft: Draft, recipe: Recipe, overrides: Iterable[Override], used: Iterable[str]) -> Iterator[Problem]:
    """What the command line sets of a plain command, though neither its placeholders nor the recipe know of it."""
    known = {*gather(draft, recipe, None, ()), *used}
    if draft.is_unsure_of("params") or recipe.holes.touch(("stage_params",)):
        return
    for override in overrides:
        if override.param not in known:
            hint = nearest_or_all(override.param, known) or f"let its command say `{{params.{override.param}}}`"
            yield override.problem(f"the stage has no parameter {show(override.param)}", (), hint)


def check(settings: Mapping[str, Setting], draft: Draft, program: Program) -> Iterator[Problem]:
    """What the module's schema has against the parameters."""
    schema = program.schema
    if schema is None:
        return
    known = {*schema.names, *program.module.block.default_params}
    is_unsure = program.module.holes.touch(("default_params",))
    unknown = settings.keys() - known if schema.is_closed and not is_unsure else set()
    for name in unknown:
        message = f"module {show(program.module.block.module_id)} has no parameter {show(name)}"
        yield settings[name].problem(message, (), nearest_or_all(name, known))
    values = {name: setting.value for name, setting in settings.items() if setting.value is not None}
    try:
        for violation in schema.violations(values):
            name, inside = str(violation.path[0]) if violation.path else "", violation.path[1:]
            if name in settings:
                yield settings[name].problem(violation.message, inside, violation.hint)
            elif not (is_unsure or draft.is_unsure_of("params") or draft.recipe.holes.touch(("stage_params",))):
                yield draft.problem(violation.message, ("params",), violation.hint)
    except SetupError as error:
        for problem in error.problems:
            yield program.module.problem(problem.message, ("param_schema",), problem.hint)
