"""The public format of a recipe file."""

from __future__ import annotations

import sys
from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from taximeter.recipe.plan import Capture
from taximeter.yamldoc.authored import FREE_KEYS, Authored, Default, Flaw, Name, Rule, Text, Variable
from taximeter.yamldoc.quantities import Amount, Copies, Duration, Size, Timespan

NAMES = ("id", "stage", "module")
"""What can name a stage; the first that is there does."""


class InstrumentationBlock(Authored, frozen=True, kw_only=True):
    """What is metered, and how it is priced and reported."""

    TITLE = "Instrumentation"

    enabled: Annotated[bool, Default(False)] | UnsetType = UNSET
    """Whether the run is metered."""

    price_table: Annotated[Text | None, Default(None)] | UnsetType = UNSET
    """A price sheet, looked up beside this file and then in the working directory; else the built-in sheet is used."""

    include_calls: Annotated[Annotated[int, Meta(ge=0)] | bool, Default(50)] | UnsetType = UNSET
    """How many of a stage's calls the report lists, the most expensive first; `true` lists all, `false` none."""

    capture: Annotated[Capture, Default("auto")] | UnsetType = UNSET
    """`auto`: calls of the SDKs are recorded in the Python processes of a stage; `proxy`: those of programs in any
    language, which ask through a proxy; `off`: only those that it tells."""


Whole = Annotated[int, Meta(gt=0)]


class BudgetBlock(Authored, frozen=True, kw_only=True):
    """What may be spent. A person is warned at 80 %; at 100 % what runs is ended."""

    TITLE = "Budget"

    cost: Amount | None = None
    """Money, in the currency of the price sheet."""

    tokens: Whole | None = None
    """Input and output tokens together."""

    calls: Whole | None = None
    """LLM and embedding calls."""

    wall: Timespan | None = None
    """Time, in seconds or as text like `30m`."""

    on_unpriced: Literal["warn", "stop"] = "warn"
    """What a call without a full price does where the cost is limited."""

    def flaw(self) -> Flaw | None:
        """It limits something."""
        if (self.cost, self.tokens, self.calls, self.wall) == (None, None, None, None):
            return Flaw("the budget has no limit", "give it `cost`, `tokens`, `calls` or `wall`")
        return None


class RetriesBlock(Authored, frozen=True, kw_only=True):
    """What is done when an attempt of a stage fails."""

    TITLE = "Retries"

    count: Annotated[int, Meta(ge=0, le=100)] = 1
    """How many more attempts there may be after the first one."""

    delay: Duration = 0.0
    """Time before the second attempt, in seconds or as text like `30s`."""

    backoff: Annotated[float, Meta(ge=1, le=100)] = 1.0
    """By how much each delay is longer than the one before it; it grows to an hour."""

    on: Annotated[list[Annotated[int, Meta(ge=0, le=255)]], Meta(min_length=1)] | None = None
    """Only after these exit codes. 124 is a timeout and 128 + N the signal N; without it, after any failure."""


def _finite() -> tuple[Any, ...]:
    from pydantic import Field

    return (Field(gt=0, allow_inf_nan=False),)


class ResourcesBlock(Authored, frozen=True, kw_only=True):
    """What a stage takes of the machine, so that not too many run at a time."""

    TITLE = "Resources"

    cpus: Annotated[float, Meta(gt=0, le=sys.float_info.max), Rule(_finite)] = 1.0
    """What it takes out of `--jobs`."""

    memory: Size | None = None
    """What it takes of the machine's memory, in bytes or as text like `2GiB`."""

    gpus: Annotated[float, Meta(ge=0, le=sys.float_info.max)] = 0.0
    """What it takes of the GPUs that there are."""


class StageBlock(Authored, frozen=True, kw_only=True):
    """One use of a module, or of a plain command."""

    TITLE = "Stage"
    SCHEMA: ClassVar = FREE_KEYS | {"oneOf": [{"required": ["module"]}, {"required": ["run"]}]}

    id: Text | None = None
    """Names the stage in this recipe; without it, `stage` does."""

    stage: Text | None = None
    """Its kind; without it, the kind that the module gives, else `id`, else `module`."""

    module: Text | None = None
    """The `module_id` of a module in the registry."""

    run: Text | Annotated[list[str], Meta(min_length=1)] | None = None
    """A plain command: a list of arguments, or a string that `/bin/sh` runs."""

    needs: list[Text] = []
    """Ids of stages that must be done first; the stages named in `inputs` need not be repeated here."""

    inputs: dict[Name, Text] = {}
    """What it reads, by name: the id of a stage, or a path from the working directory."""

    params: dict[Name, Any] = {}
    """Parameters of the module."""

    out: Text | None = None
    """Its artifact, a path inside the folder of the stage; `artifact.jsonl` if nothing else is said."""

    description: str | None = None
    """Free text for people."""

    env: dict[Variable, str] = {}
    """Environment variables of its process."""

    timeout: Timespan | None = None
    """Longest time that an attempt may take, in seconds or as text like `30m`; then it is ended, and has failed."""

    retries: RetriesBlock | None = None
    """What is done when an attempt fails; without it, the stage has failed."""

    resources: ResourcesBlock = ResourcesBlock()
    """What it takes of the machine."""

    budget: BudgetBlock | None = None
    """What all its attempts together may spend."""

    shards: Copies | None = None
    """How many copies of it share the rows of one input, a part each; `auto`: as many as `--jobs`."""

    shard_input: Name | None = None
    """The input whose rows are shared out, where several are JSON lines."""

    def flaw(self) -> Flaw | None:
        """It is a module or a command."""
        if self.module is None and self.run is None:
            return Flaw("the stage has neither `module` nor `run`", "give it one")
        if self.module is not None and self.run is not None:
            return Flaw("the stage has both `module` and `run`", "keep one of them")
        return None


class RecipeBlock(Authored, frozen=True, kw_only=True):
    """A pipeline: its stages and what they read, make and need."""

    TITLE = "Recipe"

    name: Text | None = None
    """What the recipe is called; without it, the file's name without its ending."""

    run_id: Text | None = None
    """Id of the run; by default made of the name, the time and six random digits."""

    output_dir: Text | None = None
    """The folder that holds the manifest and all runs; `output` in the working directory by default."""

    input: dict[Name, Text] = {}
    """What the pipeline reads, by name: paths from the working directory; inputs of the first stage if it is linear."""

    outputs: dict[Text, Text] = {}
    """Artifacts by stage; the stage's own `out` wins."""

    settings: dict[str, Any] = {}
    """Free settings, kept with the run."""

    stage_params: dict[Text, dict[Name, Any]] = {}
    """Parameters by stage; the stage's own `params` win."""

    tags: dict[Text, str] = {}
    """Labels of the run."""

    instrumentation: InstrumentationBlock = InstrumentationBlock()
    """What is metered."""

    budget: BudgetBlock | None = None
    """What the run may spend, all its attempts together."""

    stages: Annotated[list[StageBlock], Meta(min_length=1)]
    """The stages. If none has `id`, `needs` or `inputs`, each reads what the one before it wrote."""
