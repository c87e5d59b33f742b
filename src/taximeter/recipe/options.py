"""What a command line says about a plan."""

from __future__ import annotations

from pathlib import Path

import msgspec

from taximeter.budget import NO_BUDGET, Budget
from taximeter.recipe.instrumentation import Layer
from taximeter.recipe.model import InstrumentationBlock
from taximeter.recipe.rowschema import SchemaTable


class PlanOptions(msgspec.Struct, frozen=True):
    """What a command line says about a plan."""

    mock: bool = False
    """Put the modules' stand-ins in their places."""

    set: tuple[str, ...] = ()
    """Parameters, each as `stage.param=value`."""

    registry: Path | None = None
    """A directory, or one file with all modules; else `modules/` beside the recipe or in the working directory."""

    cwd: Path = Path()
    """The working directory, in which the stages run."""

    settings: Path | None = None
    """A file with keys of a recipe, which is laid over the recipe."""

    config: Layer | None = None
    """What a run configuration says is metered, which overrides the recipe's block."""

    schemas: SchemaTable = SchemaTable()
    """Formats of rows that modules can name, and how a class is looked at."""

    instrument_config: Path | None = None
    """A file with an instrumentation block, which overrides those."""

    instrumentation: InstrumentationBlock | None = None
    """What flags say, which overrides all."""

    jobs: int = 1
    """How many stages or shards run at a time: what `shards: auto` means."""

    budget: Budget = NO_BUDGET
    """What the run may spend: its limits override those of the recipe."""
