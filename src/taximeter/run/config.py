"""The run configuration: a file that says what else stands on a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from taximeter.errors import Problem, SetupError, in_order
from taximeter.recipe.holes import Holes
from taximeter.recipe.instrumentation import Layer
from taximeter.recipe.lookup import look_up, names_beside
from taximeter.recipe.model import BudgetBlock, InstrumentationBlock
from taximeter.recipe.stages import budget_of
from taximeter.run.options import RunOptions
from taximeter.rundir import check_run_id
from taximeter.yamldoc import Document, Value, load_in_part, show
from taximeter.yamldoc.authored import Authored, Text, read_authored
from taximeter.yamldoc.words import did_you_mean

_FILES = ("recipe", "registry", "settings")
_LOOKED_UP = "it is looked up beside this file, then in the working directory"


class ExecutionBlock(Authored, frozen=True, kw_only=True):
    """How the stages are run, and which of them. Each key is the flag of its name."""

    TITLE = "Execution"

    jobs: Annotated[int, Meta(ge=1)] | None = None
    """Most stages at a time."""

    executor: Text | None = None
    """Who runs the stages: local, dask, ray, or one that another package brings."""

    address: Text | None = None
    """Where the executor is; without one it is started on this machine."""

    files: Text | None = None
    """URL of the place through which inputs and artifacts travel, where nodes share no folder."""

    keep_going: bool | None = None
    """After a stage has failed, those that do not need it run all the same."""

    strict: bool | None = None
    """Figures that are incomplete are an error."""

    check_rows: bool | None = msgspec.field(default=None, name="validate")
    """The rows of artifacts are stamped and checked against the schemas of their modules, by default."""

    mock: bool | None = None
    """Stand-ins run in place of the modules that have one."""

    set: list[Text] = []
    """Parameters, each as `stage.param=value`."""

    skip_done: bool | None = None
    """In an existing run, stages that have not changed are not run again."""

    resume: Text | None = None
    """Another run, from which stages that have not changed are taken over."""

    start_from: Text | None = None
    """A stage that is run again in an existing run, and with it all that depends on it."""

    keep_downstream: bool | None = None
    """What depends on the stage that is started from stays, marked stale."""

    end_at: Text | None = None
    """A stage; what it does not need is skipped."""

    allow_run_id_reuse: bool | None = None
    """Every stage of an existing run is run again."""

    force: bool | None = None
    """An existing run is discarded first."""


class RunConfigBlock(Authored, frozen=True, kw_only=True):
    """A run configuration: what a command line would say. Flags override it."""

    TITLE = "RunConfig"

    recipe: Text | None = None
    """The recipe; a path from this file's folder, else the working directory."""

    registry: Text | None = None
    """Folder of modules, or one YAML file with all; a path like that of the recipe."""

    settings: Text | None = None
    """A file that is laid over the recipe; a path like that of the recipe."""

    run_id: Text | None = None
    output_dir: Text | None = None
    """The folder that holds the manifest and all runs, from the working directory."""

    budget: BudgetBlock | None = None
    """What the run may spend; its limits override those of the recipe."""

    execution: ExecutionBlock = ExecutionBlock()
    instrumentation: InstrumentationBlock | None = None
    """What is metered; it overrides the recipe's block."""


def read_config(path: Path) -> RunOptions:
    """The options in a run configuration; SetupError with every problem found."""
    problems: list[Problem] = []
    document = load_in_part(path, problems)
    if document is None:
        raise in_order(problems)
    found: list[Problem] = []
    block = read_authored(RunConfigBlock, document, (), found)
    said = document.data if isinstance(document.data, dict) else {}
    files: dict[str, Any] = {key: _find(key, said.get(key), document, found) for key in _FILES}
    found += _bad_run_id(said.get("run_id"), document)
    unclear = Holes(document.unclear)
    problems += [problem for problem in found if not unclear.explains(problem)]
    if block is None or problems:
        raise in_order(problems)
    execution = {name: value for name, value in msgspec.to_builtins(block.execution).items() if name != "set"}
    return RunOptions(
        **files,
        **execution,
        overrides=tuple(block.execution.set),
        run_id=block.run_id,
        budget=budget_of(block.budget) if block.budget else None,
        output_dir=None if block.output_dir is None else Path(block.output_dir),
        instrumentation=Layer(block.instrumentation, document, ("instrumentation",)) if block.instrumentation else None,
    )


def _bad_run_id(said: Value, document: Document) -> list[Problem]:
    try:
        check_run_id(said if isinstance(said, str) else "run")
    except SetupError as error:
        return [document.problem(problem.message, ("run_id",), problem.hint) for problem in error.problems]
    return []


def _find(key: str, name: Value, document: Document, problems: list[Problem]) -> Path | None:
    if not isinstance(name, str) or not name.strip():  # of another kind: that is told already
        return None
    folder = Path(document.name).parent
    found = look_up(name, folder, Path())
    if found is None:
        hint = did_you_mean(name, names_beside(name, folder)) or _LOOKED_UP
        problems.append(document.problem(f"there is no file {show(name)}", (key,), hint))
    return found
