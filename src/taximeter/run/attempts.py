"""One try of a stage after the other: numbered, started, and judged when nothing of it is left."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from taximeter import numbers
from taximeter.events import SpanEvent, Status
from taximeter.ledger.figures import Figures
from taximeter.ledger.ledger import Attempt, last_attempts
from taximeter.ledger.progress import ProgressReader
from taximeter.recipe.plan import PlannedShard, PlannedStage
from taximeter.report.build import Books
from taximeter.run.artifacts import Artifacts
from taximeter.run.budgets import Budgets
from taximeter.run.commandline import command_line
from taximeter.run.environment import capturing, inherited, metering_environment, stage_environment
from taximeter.run.executor import Executor, Task
from taximeter.run.proxied import Direct, Proxy
from taximeter.run.spans import DriverSpans
from taximeter.run.trouble import Trouble
from taximeter.run.underway import GRACE, Running

_NO_SPACE = 1_000_000
"""Bytes; a disk with less is full for most programs."""


class Attempts:
    """All attempts of the stages of a run."""

    def __init__(
        self,
        books: Books,
        spans: DriverSpans,
        executor: Executor,
        python: str,
        trouble: Trouble,
        budgets: Budgets,
        proxy: Proxy | Direct,
    ) -> None:
        self._budgets = budgets
        self._proxy = proxy
        self.artifacts = Artifacts(books.plan, books.run)
        self._books = books
        self._plan = books.plan
        self._run = books.run
        self._spans = spans
        self._executor = executor
        self._python = python
        self._trouble = trouble
        self._cwd = str(Path.cwd())  # a stage may remove it
        self._environment = inherited(os.environ)
        books.ledger.poll()
        self._last = last_attempts(books.ledger.stages())

    def next(self, stage: PlannedStage) -> int:
        """Number of the next attempt, for which there is a place now: it follows the highest that the run knows.

        What an earlier attempt left as the artifact is taken away: it is not what this one makes.
        """
        number = self._last[stage.key] = self._last.get(stage.key, 0) + 1
        folder = self._run.stage(stage.folder)
        with self._trouble:
            try:
                folder.path.mkdir()
            except FileExistsError:
                self.artifacts.remove(stage)
            if "/" in stage.out:
                self.artifacts.of(stage).parent.mkdir(parents=True, exist_ok=True)
        return number

    def start(self, stage: PlannedStage, fingerprint: str | None, around: SpanEvent | None) -> Running:
        """Starts the next attempt; `around` is the span of the stage if it is one of a shard."""
        number, folder = self.next(stage), self._run.stage(stage.folder)
        if around is not None and isinstance(stage, PlannedShard):
            span = self._spans.open_shard(stage, number, fingerprint, around)
        else:
            span = self._spans.open_stage(stage, number, fingerprint)
        environment = stage_environment(self._environment, stage, self._run, span)
        metered = self._plan.instrumentation.enabled
        if metered:
            capture = self._plan.instrumentation.capture
            environment |= metering_environment(stage, self._run, span, self._budgets.left(stage))
            environment = capturing(environment, capture, folder.marks(number))
            environment |= self._proxy.variables(environment, stage, number)
        task = Task(
            run_id=self._run.run_id,
            run_dir=str(self._run.path),
            stage_id=stage.id,
            shard=stage.key[1],
            attempt=number,
            argv=command_line(stage, number, self._plan, self._run, self.artifacts, self._python),
            env=environment,
            cwd=self._cwd,
            inputs=self.artifacts.inputs(stage),
            outputs=(str(self.artifacts.of(stage)),),
            cpus=stage.cpus,
            memory=stage.memory,
            gpus=stage.gpus,
            timeout=stage.timeout,
            grace=GRACE,
            log_path=str(folder.log(number)),
            usage_path=str(folder.usage(number)) if metered else None,
        )
        self._executor.submit(task)
        return Running(stage, task.key, span, self._executor, ProgressReader(folder.progress(number)))

    def failure(self, running: Running, figures: Figures) -> str | None:
        """Why an attempt that has ended did not do what it should."""
        if figures.spawn_error is not None:
            return figures.spawn_error
        if running.has_timed_out(figures):
            return f"it took longer than its timeout of {numbers.seconds(running.stage.timeout)}{deafness(figures)}"
        if figures.signal is not None:
            return f"killed by {signal.Signals(figures.signal).name}{self._full_disk()}"
        if figures.exit_code:
            return f"exit code {figures.exit_code}{self._full_disk()}"
        missing = self.artifacts.missing(running.stage)
        if missing is None:
            return None
        name = missing.relative_to(self._run.path)
        return f"ended well but did not write its artifact, {name} (`{{out}}` in its command)"

    def close(self, running: Running, status: Status, error: str | None, figures: Figures | None) -> None:
        """Notes how the attempt ended, and what it took."""
        folder, attempt = self._run.stage(running.stage.folder), running.key.attempt
        metered = self._plan.instrumentation.enabled
        items_in, items_out = self._items(running) if metered else (None, None)
        self._books.know(running.span, figures if metered else None, running.progress.latest)
        log = _size(folder.log(attempt))
        self._spans.close_stage(running.span, status, figures, error, items_in, items_out, log)

    def _full_disk(self) -> str:
        """What a stage that failed may have failed by: no program can be asked."""
        try:
            disk = os.statvfs(self._run.path)
        except OSError:  # somebody removed it
            return ""
        free = disk.f_bavail * disk.f_frsize
        return f"; the disk with {self._run.path} has {numbers.size(free)} left" if free < _NO_SPACE else ""

    def _items(self, running: Running) -> tuple[int | None, int | None]:
        """Units of work in and out: as the stage told them, else the rows of its artifacts."""
        stage, told = running.stage, self._books.ledger.items
        if self._run.stage(stage.folder).sink(running.key.attempt).exists():  # else it has told nothing
            self._books.ledger.poll()
        attempt = Attempt(stage.id, running.key.attempt, running.key.shard)
        read, made = ((attempt, direction) for direction in ("in", "out"))
        return (
            told[read] if read in told else self.artifacts.rows_in(stage),
            told[made] if made in told else self.artifacts.rows_out(stage),
        )


def deafness(figures: Figures) -> str:
    """What to add to the word on an attempt that was told to end."""
    return "; it ignored TERM and was killed" if figures.deaf_processes else ""


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
