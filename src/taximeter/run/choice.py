"""Which stages of a plan are asked for, when not all are or some were done before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.recipe.plan import Plan
from taximeter.run.options import RunOptions
from taximeter.rundir import RunDir
from taximeter.yamldoc import show
from taximeter.yamldoc.words import nearest_or_all


class Choice(msgspec.Struct, frozen=True):
    """What is to become of the stages; one that stands nowhere here is run, or reused if it has not changed."""

    again: frozenset[str] = frozenset()
    """Run, even if nothing has changed."""

    kept: frozenset[str] = frozenset()
    """Taken as they are, whatever has changed."""

    stale: frozenset[str] = frozenset()
    """Of those that are kept, the ones that depend on one that is run."""

    skipped: frozenset[str] = frozenset()
    """Outside the asked range."""

    outdated: frozenset[str] = frozenset()
    """Their artifacts must not outlive the stages they depend on."""


def check_range(plan: Plan, options: RunOptions, run: RunDir) -> None:
    """SetupError if a flag names no stage of the plan, or a range that is empty or has nothing to go on from."""
    start, end = options.start_from, options.end_at
    needs = {stage.id: stage.needs for stage in plan.stages}
    problems = [
        Problem(f"there is no stage {show(name)}", nearest_or_all(name, needs), key=f"{flag} {name}")
        for flag, name in (("--start-from", start), ("--end-at", end))
        if name is not None and name not in needs
    ]
    if not problems and start is not None:
        if end is not None and start not in _reach(needs, end):
            message = f"{show(end)} does not depend on {show(start)}, so nothing would be run"
            problems.append(Problem(message, "start from a stage before the last one", key=f"--start-from {start}"))
        elif options.resume is None and not run.path.exists():
            hint = "name the run to go on in with --run-id, or one to take stages from with --resume"
            problems.append(Problem(f"there is no run {run.run_id} to go on in", hint, key=f"--start-from {start}"))
    if problems:
        raise SetupError(*problems)


def choose(plan: Plan, options: RunOptions, made: Collection[str]) -> Choice:
    """What flags say about the stages; `made` are the ids of those that are done in this run directory.

    SetupError if what the stages need is neither run nor done.
    """
    needs = {stage.id: stage.needs for stage in plan.stages}
    everything = frozenset(needs)
    within = everything if options.end_at is None else _reach(needs, options.end_at)
    start = options.start_from
    if start is None:
        return Choice(skipped=everything - within)
    below = _reach(_turned(needs), start)
    again = frozenset({start}) if options.keep_downstream else below
    outdated = frozenset[str]() if options.keep_downstream else below
    if options.resume is not None:
        return Choice(again=again & within, skipped=everything - within, outdated=outdated)
    kept = (within - again) & frozenset(made)
    _check_start(options, needs, again & within, kept)
    return Choice(
        again=again & within,
        kept=kept,
        stale=kept & below,
        skipped=everything - kept - (again & within),
        outdated=outdated,
    )


def _check_start(
    options: RunOptions, needs: Mapping[str, Iterable[str]], run: Iterable[str], kept: Collection[str]
) -> None:
    """What the stages that are run need must be run with them, or be there."""
    run = frozenset(run)
    lacking = sorted({need for name in run for need in needs[name] if need not in run and need not in kept})
    if lacking:
        names = ", ".join(map(show, lacking))
        hint = f"start from {show(lacking[0])}, or leave --start-from out and give --skip-done"
        raise SetupError(Problem(f"not done in this run yet: {names}", hint, key=f"--start-from {options.start_from}"))


def _reach(edges: Mapping[str, Iterable[str]], start: str) -> frozenset[str]:
    """A stage and all that can be reached from it."""
    seen, left = {start}, [start]
    while left:
        new = [name for name in edges[left.pop()] if name not in seen]
        seen.update(new)
        left += new
    return frozenset(seen)


def _turned(needs: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {name: [] for name in needs}
    for name, needed in needs.items():
        for need in needed:
            users[need].append(name)
    return users
