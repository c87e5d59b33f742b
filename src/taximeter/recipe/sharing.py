"""How copies of a stage share its work: how many there are at most, and the input whose rows they share out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from taximeter.errors import Problem
from taximeter.recipe.command import CALL, placeholders
from taximeter.recipe.drafts import Draft
from taximeter.recipe.load import Recipe
from taximeter.recipe.plan import Source
from taximeter.yamldoc import show
from taximeter.yamldoc.quantities import AUTO, MOST_COPIES
from taximeter.yamldoc.words import nearest_or_all

LINES = ".jsonl"
"""Ending of what can be taken apart and joined line by line."""


def sharing_of(
    draft: Draft, recipe: Recipe, outs: Mapping[str, str], jobs: int, problems: list[Problem]
) -> tuple[int, str | None]:
    """How many copies of a stage there are at most, and the name of the input that they share; (0, None): no copies.

    `outs` are the artifacts of the stage and of those before it, by id. With `auto` there are as many as `jobs`.
    """
    asked = draft.block.shards
    if asked is None:
        if draft.block.shard_input is not None and not draft.is_unsure_of("shards"):
            message = "nothing is shared out: the stage has no `shards`"
            problems.append(draft.problem(message, ("shard_input",), "say how many there are, or shards: auto"))
        return 0, None
    problems.extend(_artifact_faults(draft, recipe, outs[draft.id]))
    shared = _shared(draft, outs, problems)
    return min(jobs, MOST_COPIES) if asked == AUTO else asked, shared


def shard_faults(draft: Draft, text: str) -> Iterator[Problem]:
    """What is wrong with a command that speaks of shards."""
    if draft.block.shards is not None or draft.is_unsure_of("shards"):
        return
    hint = "say how many there are, or shards: auto"
    if draft.block.module:
        message = f"module {show(draft.block.module)} says {show(text)}, and the stage has no `shards`"
        yield draft.problem(message, ("module",), hint)
    else:
        message = f"there is no {show(text)}: the stage has no `shards`"
        yield draft.problem(message, ("run",), hint, within=text)


def reading_faults(
    draft: Draft, recipe: Recipe, shared: str | None, command: tuple[str, ...] | str
) -> Iterator[Problem]:
    """What makes each shard do all of the work, and not a part of it."""
    if shared is None or draft.is_unsure_of("run") or draft.is_unsure_of("module") or CALL in command:
        return
    at, told = (("module",) if draft.block.module else ("run",)), list(placeholders(command))
    path, right = draft.inputs[shared].path, f"{{inputs.{shared}}}"
    for name in (name for kind, name in told if kind == "input"):
        if path is not None and recipe.block.input.get(name) == path:
            text = f"{{input.{name}}}"
            message = f"{show(text)} is the whole file, which each shard would read"
            within = None if draft.block.module else text
            yield draft.problem(message, at, f"write {show(right)} for the part of a shard", within=within)
            return
    if ("inputs", shared) not in told and ("shard", "index") not in told:
        message = f"each shard would do all of the work: the command does not read {show(right)}"
        hint = "write it where the rows are read, or `{shard.index}` if the program finds its part itself"
        yield draft.problem(message, at, hint)


def _artifact_faults(draft: Draft, recipe: Recipe, out: str) -> Iterator[Problem]:
    if PurePosixPath(out).suffix == LINES:
        return
    message = f"{show(out)} cannot be joined line by line out of those of the shards"
    hint = f"end its name with {show(LINES)}, or leave `shards` out"
    if draft.block.out is not None:
        yield draft.problem(message, ("out",), hint)
    else:
        name = next(key for key in (draft.id, draft.kind) if key in recipe.block.outputs)
        yield recipe.problem(message, ("outputs", name), hint)


def _shared(draft: Draft, outs: Mapping[str, str], problems: list[Problem]) -> str | None:
    """The input that is shared out; None if there is a problem with it, or nobody knows what its author meant."""
    if draft.is_unsure_of("inputs") or draft.is_unsure_of("shard_input"):
        return None
    endings = {name: _ending(source, outs) for name, source in draft.inputs.items()}
    named, fit = draft.block.shard_input, [name for name, ending in endings.items() if ending in (LINES, None)]
    if named is not None:
        if named in fit:
            return named
        if named in endings:
            message = f"the input {show(named)} is not JSON lines: its name does not end with {show(LINES)}"
        else:
            message = f"the stage has no input {show(named)}"
        problems.append(draft.problem(message, ("shard_input",), nearest_or_all(named, fit)))
    elif not fit:
        message = "no input of the stage is JSON lines, so there is nothing to share out"
        hint = f"give it an input that ends with {show(LINES)}, or leave `shards` out"
        problems.append(draft.problem(message, ("shards",), hint))
    elif len(fit) > 1:
        message = f"several inputs of the stage are JSON lines: {', '.join(map(show, fit))}"
        problems.append(draft.problem(message, ("shards",), f"say which is shared out: shard_input: {fit[0]}"))
    else:
        return fit[0]
    return None


def _ending(source: Source, outs: Mapping[str, str]) -> str | None:
    """How the name of an input ends; None if nobody knows."""
    name = source.path if source.stage is None else outs.get(source.stage)
    return None if name is None else PurePosixPath(name).suffix
