"""Has the artifacts of stages checked, each by a process that lives and dies as a stage does."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import msgspec

from taximeter.clock import Clock, iso
from taximeter.journal.reader import UNREADABLE
from taximeter.ledger.figures import Figures
from taximeter.numbers import count, plural
from taximeter.recipe.plan import PlannedStage
from taximeter.run.executor import Executor, Key, Task
from taximeter.rundir import RunDir
from taximeter.settings import without_metering

_MOST_IN_A_REASON = 3
_GRACE = 0.5
"""Seconds that a check gets to tidy up."""


class Unchecked:
    """No artifact is checked."""

    executors: tuple[Executor, ...] = ()

    def start(self, stage: PlannedStage, key: Key) -> Executor | None:
        """Starts nothing."""
        return None

    def failure(self, stage: PlannedStage, key: Key, figures: Figures) -> str | None:
        """Finds nothing."""
        return None


class Checks:
    """The checks of one run. `here` runs them beside the artifacts, wherever those were made; it has its keys alone."""

    def __init__(self, run: RunDir, here: Executor, python: str, clock: Clock) -> None:
        self._run = run
        self._here = here
        self.executors = (here,)
        self._python = python
        self._clock = clock
        self._cwd = str(Path.cwd())

    def start(self, stage: PlannedStage, key: Key) -> Executor | None:
        """Starts the check of what an attempt has written, under its key; None if no schema says what that must be."""
        if stage.output_schema is None:
            return None
        from taximeter.run.rowcheck import Check  # most stages have no schema

        folder = self._run.stage(stage.folder)
        check = Check(
            artifact=str(folder.path / stage.out),
            name=f"{stage.folder}/{stage.out}",
            schema=stage.output_schema,
            stamps={
                "schema_version": stage.output_schema.version,
                "module_id": stage.module_id or "",
                "run_id": self._run.run_id,
                "created_at": iso(self._clock.now()),
            },
            verdict=str(folder.verdict(key.attempt)),
        )
        task = Task(
            run_id=self._run.run_id,
            run_dir=str(self._run.path),
            stage_id=key.stage_id,
            shard=key.shard,
            attempt=key.attempt,
            argv=[self._python, "-P", "-m", "taximeter.run.rowcheck", msgspec.json.encode(check).decode()],
            env=without_metering(os.environ),
            cwd=self._cwd,
            log_path=str(folder.log(key.attempt)),
            grace=_GRACE,
        )
        self._here.submit(task)
        return self._here

    def failure(self, stage: PlannedStage, key: Key, figures: Figures) -> str | None:
        """What a check that has ended found to be wrong."""
        if figures.exit_code == 0:
            return None
        from taximeter.run.rowcheck import Verdict

        folder = self._run.stage(stage.folder)
        try:
            verdict = msgspec.json.decode(folder.verdict(key.attempt).read_bytes(), type=Verdict)
        except (OSError, *UNREADABLE):
            by = f"killed by {signal.Signals(figures.signal).name}" if figures.signal else None
            how = figures.spawn_error or by or f"exit code {figures.exit_code}"
            return f"the check of its artifact broke ({how}); its log says why"
        name = f"{stage.folder}/{stage.out}"
        if not verdict.bad:
            return f"{name}: {verdict.error}"
        more = verdict.bad - _MOST_IN_A_REASON
        told = [*verdict.lines(name)[:_MOST_IN_A_REASON], *([f"and {count(more)} more"] if more > 0 else [])]
        version = stage.output_schema.version if stage.output_schema else ""
        fit = "does not fit" if verdict.rows == 1 else "do not fit"
        return f"{count(verdict.bad)} of {plural(verdict.rows, 'row')} {fit} {version}: {'; '.join(told)}"
