"""The plan: a recipe's stages in the order of running, with everything looked up; the snapshot that a run keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from taximeter.budget import NO_BUDGET, Budget
from taximeter.redact import silent
from taximeter.rundir import read_file

Capture = Literal["auto", "proxy", "off"]
"""How the calls of a stage's programs are seen that do not tell them."""

StageKey = tuple[str, int | None]
"""A stage by its id, and the number of a shard of it; None is the stage as a whole."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a stage reads: exactly one of the two is given."""

    stage: str | None = None
    """Id of the stage whose artifact it is."""

    path: str | None = None
    """A path from the working directory."""


class RowSchema(msgspec.Struct, frozen=True, omit_defaults=True):
    """A schema that was found. Exactly one of `file`, `class_name` and `format` says what it is."""

    version: str
    """What the `schema_version` of a row is that does not say one itself."""

    file: str | None = None
    """Path of a JSON Schema."""

    class_name: str | None = None
    """A pydantic class, as `package.module:Class`."""

    folders: tuple[str, ...] = ()
    """Where the package of the class is looked up, before the places where Python looks."""

    format: str | None = None
    """Name of a format of ours."""

    def is_same(self, other: RowSchema) -> bool:
        """Whether both are one schema: the same file, class or format."""
        return (self.file, self.class_name, self.format) == (other.file, other.class_name, other.format)


class Instrumentation(msgspec.Struct, frozen=True):
    """What is metered, after recipe, file and flags were merged."""

    enabled: bool = False
    price_table: str | None = None
    """Path of the price sheet; None is the built-in one."""

    include_calls: int | bool = 50
    """How many of a stage's calls the report lists; true is all, false is none."""

    capture: Capture = "auto"
    """How calls are seen that programs do not tell."""

    @property
    def call_limit(self) -> int | None:
        """The same as a number; None is all."""
        return None if self.include_calls is True else int(self.include_calls)


class Retries(msgspec.Struct, frozen=True):
    """When a failed attempt is followed by another one."""

    count: int = 0
    """How many more attempts there may be after the first one."""

    delay: float = 0.0
    """Seconds before the second attempt."""

    backoff: float = 1.0
    """By how much each delay is longer than the one before it."""

    on: tuple[int, ...] | None = None
    """Exit codes after which there is another one; None: after any failure."""


class PlannedStage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage, ready to run."""

    index: int
    """Its place in the order, from 1."""

    id: str
    stage: str
    """Its kind."""

    module_id: str | None = None
    """None for a plain command."""

    description: str | None = None
    notes: str | None = None
    """What the module says about itself."""

    folder: str
    """Its folder in the run directory."""

    needs: tuple[str, ...] = ()
    """Ids of the stages that must be done first, those it reads from among them."""

    inputs: dict[str, Source] = {}
    params: dict[str, Any] = {}
    """Parameters from all layers; None says that one is left out."""

    out: str
    """Its artifact, a path inside its folder."""

    env: dict[str, str] = {}
    """Variables for its process. The values can be secrets: a snapshot has only their names."""

    env_names: tuple[str, ...] = ()
    command: tuple[str, ...] | str
    """Template of its command: arguments, or a string for the shell."""

    timeout: float | None = None
    """Seconds that an attempt may take."""

    retries: Retries = Retries()
    cpus: float = 1.0
    """CPUs it takes of those that a run may use at a time."""

    memory: int = 0
    """Bytes it takes of the machine's memory."""

    gpus: float = 0.0
    """GPUs it takes of those that there are."""

    budget: Budget = NO_BUDGET
    """What all its attempts together may spend."""

    mocked: bool = False
    """A stand-in runs in the module's place."""

    input_schema: RowSchema | None = None
    output_schema: RowSchema | None = None
    shards: int = 0
    """Most copies of it that share the rows of one input; 0: it is run as a whole."""

    shard_input: str | None = None
    """Name of that input."""

    @property
    def key(self) -> StageKey:
        """What its attempts are numbered by."""
        return self.id, None


class PlannedShard(PlannedStage, frozen=True, kw_only=True):
    """One of the copies of a stage, as a stage with a folder, an input and an artifact of its own."""

    number: int
    """From 0."""

    count: int
    """How many there are."""

    @property
    def key(self) -> StageKey:
        """What its attempts are numbered by."""
        return self.id, self.number


class Plan(msgspec.Struct, frozen=True, kw_only=True, tag="plan_v1", tag_field="schema_version"):
    """A recipe that was checked whole."""

    recipe_name: str
    recipe_path: str
    run_id: str | None = None
    """What the recipe asks for."""

    output_dir: str | None = None
    """What the recipe asks for."""

    tags: dict[str, str] = {}
    settings: dict[str, Any] = {}
    input: dict[str, str] = {}
    """What the pipeline reads, by name: paths from the working directory."""

    instrumentation: Instrumentation = Instrumentation()
    budget: Budget = NO_BUDGET
    """What the run may spend."""

    stages: tuple[PlannedStage, ...]
    """In an order in which each comes after all that it needs."""

    def snapshot(self) -> bytes:
        """JSON of the plan, for people and for `read_plan`; without secrets."""
        plan = msgspec.structs.replace(
            self,
            recipe_path=silent(self.recipe_path),
            settings=silent(self.settings),
            input=silent(self.input),
            instrumentation=msgspec.structs.replace(
                self.instrumentation, price_table=silent(self.instrumentation.price_table)
            ),
            stages=tuple(map(_silent, self.stages)),
        )
        return msgspec.json.format(_encode(plan), indent=2) + b"\n"


def _silent(stage: PlannedStage) -> PlannedStage:
    command = stage.command if isinstance(stage.command, str) else list(stage.command)
    shown = silent(command)
    return msgspec.structs.replace(
        stage,
        env={},
        inputs={name: _silent_source(source) for name, source in stage.inputs.items()},
        params=silent(stage.params),
        command=shown if isinstance(shown, str) else tuple(shown),
    )


def _silent_source(source: Source) -> Source:
    return msgspec.structs.replace(source, path=silent(source.path))


def read_plan(path: Path) -> Plan:
    """The plan in a run directory (`snapshots/plan.json`)."""
    return msgspec.json.decode(read_file(path), type=Plan)
