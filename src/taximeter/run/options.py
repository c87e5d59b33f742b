"""What a person asks for when a recipe is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from taximeter.budget import Budget
    from taximeter.recipe.instrumentation import Layer
    from taximeter.recipe.plan import Capture


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe and all that overrides it. None leaves the word to the recipe, or to the default."""

    recipe: Path | None = None
    registry: Path | None = None
    """Folder of modules; `modules/` beside the recipe, then in the working directory, by default."""

    run_id: str | None = None
    output_dir: Path | None = None
    """The folder that holds the manifest and all runs."""

    settings: Path | None = None
    """A file with keys of a recipe, which is laid over the recipe."""

    keep_going: bool | None = None
    """After a stage has failed, those that do not need it run all the same."""

    strict: bool | None = None
    """Figures that are incomplete are an error."""

    jobs: int | None = None
    """Most stages at a time; by default one here, and elsewhere what the executor has room for."""

    executor: str | None = None
    """Who runs the stages; this machine by default."""

    address: str | None = None
    """Where the executor is."""

    files: str | None = None
    """URL of the place through which inputs and artifacts travel, where nodes share no folder."""

    validate: bool | None = None
    """The rows of artifacts are stamped and checked against the schemas of their modules, by default."""

    mock: bool | None = None
    """Stand-ins run in place of the modules that have one."""

    overrides: tuple[str, ...] = ()
    """Parameters as `stage.param=value`."""

    skip_done: bool | None = None
    """In an existing run, stages that have not changed are not run again."""

    resume: str | None = None
    """Another run (its id, `latest`, a path), from which stages that have not changed are taken over."""

    start_from: str | None = None
    """A stage that is run again in an existing run, and with it all that depends on it."""

    keep_downstream: bool | None = None
    """What depends on the stage that is started from stays, marked stale."""

    end_at: str | None = None
    """A stage; what it does not need is skipped."""

    allow_run_id_reuse: bool | None = None
    """Every stage of an existing run is run again, as a new attempt."""

    force: bool | None = None
    """An existing run is discarded first."""

    instrument: bool | None = None
    instrument_config: Path | None = None
    """A file with an `instrumentation:` block."""

    price_table: Path | None = None
    capture: Capture | None = None
    """Whether calls of the SDKs are recorded that stages do not tell."""

    instrumentation: Layer | None = None
    """What a run configuration says is metered."""

    budget: Budget | None = None
    """What the run may spend: each limit overrides that of the recipe."""

    def over(self, below: RunOptions) -> RunOptions:
        """These options, and for what they leave open those below; parameters of both are set, these last."""
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        return msgspec.structs.replace(below, **said | {"overrides": below.overrides + self.overrides})
