"""From a recipe to its plan, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.recipe.drafts import Draft, draft_stages
from taximeter.recipe.graph import order
from taximeter.recipe.instrumentation import Layer, read_layer, settle
from taximeter.recipe.load import Recipe, read_recipe
from taximeter.recipe.lookup import look_up
from taximeter.recipe.module import Module
from taximeter.recipe.options import PlanOptions
from taximeter.recipe.overrides import Override, read_override
from taximeter.recipe.plan import Instrumentation, Plan
from taximeter.recipe.registry import Registry, find_registry, read_registry
from taximeter.recipe.rowschema import RowSchemas, check_inputs
from taximeter.recipe.stages import StagePlanner, budget_of
from taximeter.recipe.wiring import wire
from taximeter.redact import silent
from taximeter.rundir import check_run_id
from taximeter.yamldoc import show
from taximeter.yamldoc.words import nearest_or_all

_MOST_SHOWN = 20
_NO_OPTIONS = PlanOptions()


class Checked(msgspec.Struct, frozen=True):
    """A recipe that holds together."""

    plan: Plan
    recipe: Recipe
    modules: dict[str, Module]
    """Those that the plan uses, by their id."""


def make_plan(path: Path, options: PlanOptions = _NO_OPTIONS) -> Plan:
    """The plan of the recipe in a file; SetupError with every problem found in it and in all that it names."""
    return check(path, options).plan


def check(path: Path, options: PlanOptions = _NO_OPTIONS) -> Checked:
    """The plan of the recipe in a file, with what it was made of; SetupError with every problem found."""
    problems: list[Problem] = []
    recipe = read_recipe(path, options.settings, problems)
    file = read_layer(options.instrument_config, problems) if options.instrument_config else None
    if recipe is None:
        raise _error(path, problems)
    problems, told = [], problems
    registry = _registry(recipe, options, problems)
    drafts = draft_stages(recipe, registry, problems)
    problems.extend(wire(drafts, recipe, options.cwd))
    problems.extend(_unknown_stages(recipe, drafts))
    instrumentation = _instrumentation(recipe, file, options, problems)
    problems.extend(_budgets_without_figures(recipe, instrumentation, options))
    problems.extend(_bad_run_id(recipe))
    overrides = _overrides(options.set, [draft.id for draft in drafts], problems)
    schemas = RowSchemas(options.schemas, options.cwd, problems)
    planner = StagePlanner(recipe, options, overrides, schemas, problems)
    stages = tuple(planner.plan(draft, index) for index, draft in enumerate(_ordered(drafts, problems), 1))
    problems += list(check_inputs(drafts, schemas))
    problems = [*told, *(problem for problem in problems if not recipe.has_guessed(problem))]
    if problems:
        raise _error(path, problems)
    plan = Plan(
        recipe_name=recipe.name,
        recipe_path=recipe.document.name,
        run_id=recipe.block.run_id,
        output_dir=recipe.block.output_dir,
        tags=silent(recipe.block.tags),
        settings=recipe.block.settings,
        input=recipe.block.input,
        instrumentation=instrumentation,
        budget=budget_of(recipe.block.budget).under(options.budget),
        stages=stages,
    )
    return Checked(plan, recipe, {draft.module.block.module_id: draft.module for draft in drafts if draft.module})


def _registry(recipe: Recipe, options: PlanOptions, problems: list[Problem]) -> Registry:
    """The registry, if a stage names a module."""
    wanting = [number for number, stage in enumerate(recipe.block.stages) if stage.module]
    if not wanting:
        return Registry()
    if options.registry is not None:
        path = look_up(options.registry, options.cwd)
        if path is None:
            message = f"there is no registry {show(str(options.registry))}"
            hint = "name a folder that holds each module's `module.yaml`, or one YAML file with all"
            problems.append(Problem(message, hint, key="--registry"))
    else:
        path = find_registry(Path(recipe.document.name), options.cwd)
        if path is None:
            hint = "put modules into `modules/` beside the recipe or in the working directory, or give `--registry`"
            problems.append(recipe.problem("there is no registry of modules", ("stages", wanting[0], "module"), hint))
    return read_registry(path, problems) if path else Registry()


def _instrumentation(
    recipe: Recipe, file: Layer | None, options: PlanOptions, problems: list[Problem]
) -> Instrumentation:
    authored = Layer(recipe.block.instrumentation, recipe.document, ("instrumentation",))
    flags = Layer(options.instrumentation) if options.instrumentation else None
    return settle((authored, options.config, file, flags), options.cwd, problems)


def _budgets_without_figures(
    recipe: Recipe, instrumentation: Instrumentation, options: PlanOptions
) -> Iterator[Problem]:
    """A budget can only be held where somebody counts."""
    if instrumentation.enabled:
        return
    message, hint = "the run is not metered, so nobody counts what is spent", "add --instrument"
    if recipe.block.budget is not None:
        yield recipe.problem(message, ("budget",), hint)
    for number, stage in enumerate(recipe.block.stages):
        if stage.budget is not None:
            yield recipe.problem(message, ("stages", number, "budget"), hint)
    if options.budget:
        yield Problem(message, hint, key="--budget")


def _overrides(texts: Iterable[str], ids: Collection[str], problems: list[Problem]) -> list[Override]:
    found = []
    for text in texts:
        try:
            found.append(read_override(text, ids))
        except SetupError as error:
            problems.extend(error.problems)
    return found


def _unknown_stages(recipe: Recipe, drafts: Iterable[Draft]) -> Iterator[Problem]:
    """Entries of `outputs` and `stage_params` that belong to no stage."""
    known = {name for draft in drafts for name in (draft.id, draft.kind) if name}
    for key, entries in (("outputs", recipe.block.outputs), ("stage_params", recipe.block.stage_params)):
        for name in entries:
            if name not in known:
                yield recipe.problem(f"there is no stage {show(name)}", (key, name), nearest_or_all(name, known))


def _bad_run_id(recipe: Recipe) -> Iterator[Problem]:
    try:
        check_run_id(recipe.block.run_id or "run")
    except SetupError as error:
        for problem in error.problems:
            yield recipe.problem(problem.message, ("run_id",), problem.hint)


def _ordered(drafts: Collection[Draft], problems: list[Problem]) -> list[Draft]:
    """The drafts in the order of running; circles among them are problems."""
    of: dict[str, Draft] = {}
    for draft in drafts:
        of.setdefault(draft.id, draft)
    names, circles = order({name: list(draft.needs) for name, draft in of.items()})
    for circle in circles:
        first = of[circle[0]]
        path = [*circle, circle[0]] if len(circle) <= _MOST_SHOWN else [*circle[:_MOST_SHOWN], "…", circle[0]]
        message = f"the stages wait for each other: {' -> '.join(show(name)[1:-1] for name in path)}"
        problems.append(first.problem(message, first.needs[path[1]], "one of them must not need the next"))
    rank = {name: number for number, name in enumerate(names)}
    return sorted(drafts, key=lambda draft: rank.get(draft.id, 0))


def _error(path: Path, problems: list[Problem]) -> SetupError:
    """Each problem once: those of the recipe, of other files and of options, each in the order of their places."""
    files = dict.fromkeys((str(path), *(problem.path for problem in problems)))
    rank = {file: number for number, file in enumerate(files)}

    def place(problem: Problem) -> tuple[bool, int, int, int]:
        return problem.path is None, rank[problem.path], problem.line or 0, problem.column or 0

    return SetupError(*sorted(dict.fromkeys(problems), key=place))
