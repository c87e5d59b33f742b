"""From the draft of a stage to the stage as it is planned."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

import msgspec

from taximeter.budget import NO_BUDGET, Budget
from taximeter.errors import Problem
from taximeter.recipe import params
from taximeter.recipe.artifact import WITH_ROWS, artifact_of
from taximeter.recipe.command import faults, placeholders, script_faults, with_interpreter
from taximeter.recipe.drafts import Draft
from taximeter.recipe.holes import Holes
from taximeter.recipe.load import Recipe
from taximeter.recipe.model import BudgetBlock, RetriesBlock
from taximeter.recipe.module import Module
from taximeter.recipe.options import PlanOptions
from taximeter.recipe.overrides import Override
from taximeter.recipe.params import Setting
from taximeter.recipe.plan import PlannedStage, Retries, RowSchema
from taximeter.recipe.program import Program, prepare
from taximeter.recipe.rowschema import RowSchemas
from taximeter.recipe.sharing import reading_faults, shard_faults, sharing_of
from taximeter.redact import silent
from taximeter.rundir import safe_name
from taximeter.yamldoc import show
from taximeter.yamldoc.words import nearest_or_all

_MISSING = {
    "inputs": ("the stage has no input {}", "needs the input {}"),
    "input": ("the recipe has no input {}", "needs the input {} of the recipe"),
    "params": ("the stage has no parameter {}", "needs the parameter {}"),
}
"""What it means that a placeholder's name is not known, in a plain command and in a module's."""

_ADD = {
    "inputs": "add it to the stage's `inputs`",
    "input": "add it to the recipe's `input`",
    "params": "add it to the stage's `params`",
}
"""How to mend that, where no known name is meant."""


class StagePlanner:
    """Plans the stages of one recipe; what is wrong with them is added to the problems."""

    def __init__(
        self,
        recipe: Recipe,
        options: PlanOptions,
        overrides: Iterable[Override],
        schemas: RowSchemas,
        problems: list[Problem],
    ) -> None:
        self._recipe = recipe
        self._options = options
        self._schemas = schemas
        self._problems = problems
        self._programs: dict[str, Program] = {}
        self._overrides: dict[str, list[Override]] = {}
        self._outs: dict[str, str] = {}
        """Artifacts of the stages that were planned, by their ids."""

        for override in overrides:
            self._overrides.setdefault(override.stage, []).append(override)

    def plan(self, draft: Draft, index: int) -> PlannedStage:
        """The stage at that place in the order, counted from 1."""
        program = self._program(draft.module) if draft.module else None
        settings = params.gather(draft, self._recipe, program, self._overrides.get(draft.id, ()))
        if program:
            self._problems.extend(params.check(settings, draft, program))
        module = draft.module.block if draft.module else None
        out = artifact_of(draft, self._recipe, self._problems)
        self._outs[draft.id] = out
        shards, shard_input = sharing_of(draft, self._recipe, self._outs, self._options.jobs, self._problems)
        command = self._command(draft, program, settings)
        self._problems.extend(reading_faults(draft, self._recipe, shard_input, command))
        return PlannedStage(
            index=index,
            id=draft.id,
            stage=draft.kind,
            module_id=draft.block.module,
            description=silent(draft.block.description),
            notes=silent(module.notes) if module else None,
            folder=f"{index:02d}_{safe_name(draft.id)}",
            needs=tuple(draft.needs),
            inputs=draft.inputs,
            params={name: setting.value for name, setting in settings.items()},
            out=out,
            env=draft.block.env,
            env_names=tuple(draft.block.env),
            command=command,
            timeout=draft.block.timeout,
            retries=_retries(draft.block.retries),
            cpus=draft.block.resources.cpus,
            memory=draft.block.resources.memory or 0,
            gpus=draft.block.resources.gpus,
            budget=budget_of(draft.block.budget),
            mocked=program.mocked if program else False,
            input_schema=self._schemas.of(draft.module, "input_schema") if draft.module else None,
            output_schema=self._output_schema(draft, out),
            shards=shards,
            shard_input=shard_input,
        )

    def _output_schema(self, draft: Draft, out: str) -> RowSchema | None:
        schema = self._schemas.of(draft.module, "output_schema") if draft.module else None
        if schema and PurePosixPath(out).suffix not in WITH_ROWS:
            message = f"{show(out)} has no rows that {show(schema.version)} could be checked against"
            hint = f"end its name with {' or '.join(map(show, WITH_ROWS))}, or take `output_schema` out of the module"
            self._problems.append(draft.problem(message, ("out",), hint))
        return schema

    def _program(self, module: Module) -> Program:
        name = module.block.module_id
        if name not in self._programs:
            stand_in = module.block.mock if self._options.mock else None
            self._programs[name] = prepare(module, stand_in, self._options.cwd, self._problems)
        return self._programs[name]

    def _command(self, draft: Draft, program: Program | None, settings: Mapping[str, Setting]) -> tuple[str, ...] | str:
        run = draft.block.run
        command: tuple[str, ...] | str = ()
        if program:
            given = [name for name, setting in settings.items() if setting.value is not None]
            self._problems.extend(program.collisions(draft, given))
            command = program.command(draft.inputs, given)
        elif isinstance(run, list):
            command = with_interpreter(run)
            self._problems.extend(
                draft.problem(fault.message, ("run", index), fault.hint, within=fault.text)
                for index, fault in faults(run)
            )
        elif run is not None:
            command = run
            self._problems.extend(
                draft.problem(fault.message, ("run",), fault.hint, within=fault.text) for fault in script_faults(run)
            )
        if program is None and not draft.is_unsure_of("run"):
            used = [name for kind, name in placeholders(command) if kind == "params"]
            overrides = self._overrides.get(draft.id, ())
            self._problems.extend(params.misdirected(draft, self._recipe, overrides, used))
        self._check_names(draft, program, command, settings)
        return command

    def _is_unsure_of(self, draft: Draft, kind: str) -> bool:
        """Whether a name that is not known could stand where something cannot be used."""
        of_recipe = {"inputs": "input", "input": "input", "params": "stage_params"}
        declared = draft.module.holes if draft.module and kind == "params" else Holes()
        if any(declared.touch((key,)) for key in ("default_params", "param_schema")):
            return True
        return (kind != "input" and draft.is_unsure_of(kind)) or self._recipe.holes.touch((of_recipe[kind],))

    def _check_names(
        self, draft: Draft, program: Program | None, command: tuple[str, ...] | str, settings: Mapping[str, Setting]
    ) -> None:
        """Inputs and parameters that the command speaks of must be there."""
        declared = program.declared if program else ()
        known: dict[str, Collection[str]] = {
            "inputs": draft.inputs,
            "input": self._recipe.block.input,
            "params": {*settings, *declared},
        }
        for kind, name in dict.fromkeys(placeholders(command)):
            if kind == "shard":
                self._problems.extend(shard_faults(draft, f"{{shard.{name}}}"))
                continue
            if name in known[kind] or self._is_unsure_of(draft, kind):
                continue
            plain, of_module = (words.format(show(name)) for words in _MISSING[kind])
            hint = nearest_or_all(name, known[kind]) or _ADD[kind]
            if program:
                at = ("module",) if kind == "input" else (kind,)
                message = f"module {show(program.module.block.module_id)} {of_module}"
                self._problems.append(draft.problem(message, at, hint))
            else:
                self._problems.append(draft.problem(plain, ("run",), hint, within=f"{{{kind}.{name}}}"))


def budget_of(block: BudgetBlock | None) -> Budget:
    """What a block allows; without one, everything."""
    return NO_BUDGET if block is None else Budget(**msgspec.structs.asdict(block))


def _retries(block: RetriesBlock | None) -> Retries:
    if block is None:
        return Retries()
    return Retries(block.count, block.delay, block.backoff, None if block.on is None else tuple(block.on))
