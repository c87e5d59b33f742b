"""The public format of a recipe file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from taximeter.recipe.plan import Capture
from taximeter.yamldoc.block import FREE_KEYS, Block, Name, Text, Variable
from taximeter.yamldoc.quantities import Amount, Duration, Size, Timespan


class InstrumentationBlock(Block):
    """What is metered, and how it is priced and reported."""

    model_config = ConfigDict(title="Instrumentation")

    enabled: bool = False
    """Whether the run is metered."""

    price_table: Text | None = None
    """A price sheet, looked up beside this file and then in the working directory; else the built-in sheet is used."""

    include_calls: Annotated[int, Field(ge=0)] | bool = 50
    """How many of a stage's calls the report lists, the most expensive first; `true` lists all, `false` none."""

    capture: Capture = "auto"
    """`auto`: calls of the SDKs are recorded in the Python processes of a stage; `proxy`: those of programs in any
    language, which ask through a proxy; `off`: only those that it tells."""


Whole = Annotated[int, Field(gt=0)]


class BudgetBlock(Block):
    """What may be spent. A person is warned at 80 %; at 100 % what runs is ended."""

    model_config = ConfigDict(title="Budget")

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

    @model_validator(mode="after")
    def _limits_something(self) -> BudgetBlock:
        if (self.cost, self.tokens, self.calls, self.wall) == (None, None, None, None):
            hint = "give it `cost`, `tokens`, `calls` or `wall`"
            raise PydanticCustomError("setup", "the budget has no limit", {"hint": hint})
        return self


class RetriesBlock(Block):
    """What is done when an attempt of a stage fails."""

    model_config = ConfigDict(title="Retries")

    count: Annotated[int, Field(ge=0, le=100)] = 1
    """How many more attempts there may be after the first one."""

    delay: Duration = 0.0
    """Time before the second attempt, in seconds or as text like `30s`."""

    backoff: Annotated[float, Field(ge=1, le=100)] = 1.0
    """By how much each delay is longer than the one before it; it grows to an hour."""

    on: Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=1)] | None = None
    """Only after these exit codes. 124 is a timeout and 128 + N the signal N; without it, after any failure."""


class ResourcesBlock(Block):
    """What a stage takes of the machine, so that not too many run at a time."""

    model_config = ConfigDict(title="Resources")

    cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """What it takes out of `--jobs`."""

    memory: Size | None = None
    """What it takes of the machine's memory, in bytes or as text like `2GiB`."""


class StageBlock(Block):
    """One use of a module, or of a plain command."""

    model_config = ConfigDict(
        title="Stage", json_schema_extra=FREE_KEYS | {"oneOf": [{"required": ["module"]}, {"required": ["run"]}]}
    )

    id: Text | None = None
    """Names the stage in this recipe; without it, `stage` does."""

    stage: Text | None = None
    """Its kind; without it, the kind that the module gives, else `id`, else `module`."""

    module: Text | None = None
    """The `module_id` of a module in the registry."""

    run: Text | Annotated[list[str], Field(min_length=1)] | None = None
    """A plain command: a list of arguments, or a string that `/bin/sh` runs."""

    needs: list[Text] = Field(default_factory=list)
    """Ids of stages that must be done first; the stages named in `inputs` need not be repeated here."""

    inputs: dict[Name, Text] = Field(default_factory=dict)
    """What it reads, by name: the id of a stage, or a path from the working directory."""

    params: dict[Name, Any] = Field(default_factory=dict)
    """Parameters of the module."""

    out: Text | None = None
    """Its artifact, a path inside the folder of the stage; `artifact.jsonl` if nothing else is said."""

    description: str | None = None
    """Free text for people."""

    env: dict[Variable, str] = Field(default_factory=dict)
    """Environment variables of its process."""

    timeout: Timespan | None = None
    """Longest time that an attempt may take, in seconds or as text like `30m`; then it is ended, and has failed."""

    retries: RetriesBlock | None = None
    """What is done when an attempt fails; without it, the stage has failed."""

    resources: ResourcesBlock = ResourcesBlock()
    """What it takes of the machine."""

    budget: BudgetBlock | None = None
    """What all its attempts together may spend."""

    @model_validator(mode="after")
    def _module_or_run(self) -> StageBlock:
        if self.module is None and self.run is None:
            raise PydanticCustomError("setup", "the stage has neither `module` nor `run`", {"hint": "give it one"})
        if self.module is not None and self.run is not None:
            raise PydanticCustomError("setup", "the stage has both `module` and `run`", {"hint": "keep one of them"})
        return self


class RecipeBlock(Block):
    """A pipeline: its stages and what they read, make and need."""

    model_config = ConfigDict(title="Recipe")

    name: Text | None = None
    """What the recipe is called; without it, the file's name without its ending."""

    run_id: Text | None = None
    """Id of the run; by default made of the name, the time and six random digits."""

    output_dir: Text | None = None
    """The folder that holds the manifest and all runs; `output` in the working directory by default."""

    input: dict[Name, Text] = Field(default_factory=dict)
    """What the pipeline reads, by name: paths from the working directory; inputs of the first stage if it is linear."""

    outputs: dict[Text, Text] = Field(default_factory=dict)
    """Artifacts by stage; the stage's own `out` wins."""

    settings: dict[str, Any] = Field(default_factory=dict)
    """Free settings, kept with the run."""

    stage_params: dict[Text, dict[Name, Any]] = Field(default_factory=dict)
    """Parameters by stage; the stage's own `params` win."""

    tags: dict[Text, str] = Field(default_factory=dict)
    """Labels of the run."""

    instrumentation: InstrumentationBlock = InstrumentationBlock()
    """What is metered."""

    budget: BudgetBlock | None = None
    """What the run may spend, all its attempts together."""

    stages: Annotated[list[StageBlock], Field(min_length=1)]
    """The stages. If none has `id`, `needs` or `inputs`, each reads what the one before it wrote."""
