"""Runs the stages of a plan: each when what it needs is done, as many at a time as allowed."""

from __future__ import annotations

import heapq
import math
import os
import selectors
import signal
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path

import msgspec

from taximeter.clock import Clock
from taximeter.events import SpanEvent, Status
from taximeter.ledger.figures import Figures
from taximeter.recipe.command import CommandValues, render
from taximeter.recipe.plan import Plan, PlannedStage
from taximeter.report.build import Books
from taximeter.run.artifacts import Artifacts
from taximeter.run.environment import metering_environment, stage_environment
from taximeter.run.interrupts import Interrupts
from taximeter.run.launcher import Forkserver, StageHandle
from taximeter.run.messages import Done, Lost, Started, Task
from taximeter.run.observer import Observer
from taximeter.run.paced import Paced
from taximeter.run.reports import Reports
from taximeter.run.spans import DriverSpans
from taximeter.run.state import StateFiles
from taximeter.run.trouble import Trouble

GRACE = 5.0
"""Seconds between TERM and KILL."""


class Running(msgspec.Struct):
    """An attempt of a stage whose process lives."""

    stage: PlannedStage
    span: SpanEvent
    handle: StageHandle


class Driver:
    """One run. `go` returns when no process of any stage is left."""

    def __init__(
        self,
        plan: Plan,
        books: Books,
        spans: DriverSpans,
        state: StateFiles,
        reports: Reports,
        forkserver: Forkserver,
        observer: Observer,
        trouble: Trouble,
        jobs: int,
        python: str,
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._books = books
        self._run = books.run
        self._spans = spans
        self._state = state
        self._reports = reports
        self._forkserver = forkserver
        self._observer = observer
        self._trouble = trouble
        self._jobs = jobs
        self._python = python
        self._cwd = str(Path.cwd())  # a stage may remove it
        self._artifacts = Artifacts(plan, books.run)
        self._selector = selectors.DefaultSelector()
        look = Paced(lambda: observer.look(books.report()), clock, observer.interval, prepare=books.ledger.poll_some)
        self._paced = (state.paced, reports.paced, look)
        self._order = TopologicalSorter({stage.id: stage.needs for stage in plan.stages})
        self._order.prepare()
        self._waiting = {stage.id: stage for stage in plan.stages}
        self._ready: list[tuple[int, str]] = []
        """Index and id of what can be started: a heap, since the first in the plan goes first."""

        self._running: dict[str, Running] = {}
        self.status: Status = "done"
        self.reason: str | None = None
        self.signal: signal.Signals | None = None
        """The signal that asked for the end."""

    def go(self) -> None:
        """Runs all stages, or as many as can be."""
        with Interrupts() as interrupts, self._selector:
            self._listen(interrupts.fileno(), lambda: self._interrupted(interrupts.read()))
            self._listen(self._forkserver.fileno(), self._forkserver_died)
            self._start_ready()
            while self._running:
                for key, _ in self._selector.select(self._patience()):
                    key.data()
                self._start_ready()
                self._keep_up()
        for stage in self._waiting.values():
            self._skip(stage)

    # -- starting -----------------------------------------------------------------------------------------------------

    def _start_ready(self) -> None:
        for stage_id in self._order.get_ready():
            heapq.heappush(self._ready, (self._waiting[stage_id].index, stage_id))
        while self._ready and len(self._running) < self._jobs and self.status == "done":
            _, stage_id = heapq.heappop(self._ready)
            self._start(self._waiting.pop(stage_id))

    def _start(self, stage: PlannedStage) -> None:
        folder = self._run.stage(stage.folder)
        with self._trouble:
            folder.path.mkdir(exist_ok=True)
            self._artifacts.of(stage).parent.mkdir(parents=True, exist_ok=True)
        span = self._spans.open_stage(stage, attempt=1)
        environment = stage_environment(os.environ, stage, self._run, span)
        metered = self._plan.instrumentation.enabled
        if metered:
            environment |= metering_environment(stage, self._run, span)
        task = Task(
            argv=self._argv(stage),
            env=environment,
            cwd=self._cwd,
            log_path=str(folder.log(1)),
            usage_path=str(folder.usage(1)) if metered else None,
            grace=GRACE,
        )
        running = Running(stage, span, self._forkserver.launch(task))
        self._running[stage.id] = running
        self._listen(running.handle.fileno(), lambda: self._hear(running))
        self._state.stage(stage, "running")
        self._observer.started(stage)

    def _argv(self, stage: PlannedStage) -> list[str]:
        folder = self._run.stage(stage.folder)
        values = CommandValues(
            python=self._python,
            inputs=self._artifacts.inputs(stage),
            input=self._plan.input,
            out=str(self._artifacts.of(stage)),
            stage_dir=str(folder.path),
            run_dir=str(self._run.path),
            run_id=self._run.run_id,
            state_file=str(self._run.state),
            progress_file=str(folder.progress(1)),
        )
        return render(stage, values)

    # -- ending -------------------------------------------------------------------------------------------------------

    def _hear(self, running: Running) -> None:
        for message in running.handle.read():
            match message:
                case Done(figures=figures):
                    self._ended(running, figures)
                case Lost():
                    self._end(running, "lost", "its supervisor died", None)
                case Started():
                    pass  # its span is open since it was launched

    def _ended(self, running: Running, figures: Figures) -> None:
        if self.signal is not None:
            self._end(running, "cancelled", f"ended by {self.signal.name}", figures)
            return
        error = self._failure(running.stage, figures)
        self._end(running, "failed" if error else "done", error, figures)

    def _failure(self, stage: PlannedStage, figures: Figures) -> str | None:
        """Why an attempt that has ended did not do what it should."""
        if figures.spawn_error is not None:
            return figures.spawn_error
        if figures.signal is not None:
            return f"killed by {signal.Signals(figures.signal).name}"
        if figures.exit_code:
            return f"exit code {figures.exit_code}"
        missing = self._artifacts.missing(stage)
        return f"ended well but did not write {missing}" if missing else None

    def _end(self, running: Running, status: Status, error: str | None, figures: Figures | None) -> None:
        stage = running.stage
        self._selector.unregister(running.handle.fileno())
        running.handle.close()
        del self._running[stage.id]
        items_in, items_out = self._items(running) if self._plan.instrumentation.enabled else (None, None)
        self._spans.close_stage(running.span, status, figures, error, items_in, items_out)
        if status == "done":
            self._order.done(stage.id)
        elif self.status == "done":
            self.status, self.reason = "failed", f"stage {stage.id}: {error}"
        self._state.stage(stage, status, error)
        self._observer.ended(stage, status, error)
        if self._plan.instrumentation.enabled:
            self._reports.paced.want()

    def _items(self, running: Running) -> tuple[int | None, int | None]:
        """Units of work in and out: as the stage told them, else the rows of its artifacts."""
        self._books.ledger.poll()
        stage, told = running.stage, self._books.ledger.items
        read, made = ((stage.id, running.span.attempt or 1, direction) for direction in ("in", "out"))
        return (
            told[read] if read in told else self._artifacts.rows_in(stage),
            told[made] if made in told else self._artifacts.rows_out(stage),
        )

    def _skip(self, stage: PlannedStage) -> None:
        self._spans.close_stage(self._spans.open_stage(stage, attempt=1), "skipped")
        self._state.stage(stage, "skipped")
        self._observer.ended(stage, "skipped", None)

    # -- the loop -----------------------------------------------------------------------------------------------------

    def _listen(self, fd: int, heard: Callable[[], None]) -> None:
        self._selector.register(fd, selectors.EVENT_READ, heard)

    def _patience(self) -> float | None:
        wait = min(paced.wait() for paced in self._paced)
        return None if wait == math.inf else wait

    def _keep_up(self) -> None:
        """Figures for those who look, and for those who read the files."""
        for paced in self._paced:
            paced.tick()

    def _interrupted(self, signals: list[signal.Signals]) -> None:
        for number in signals:
            if self.signal is None:
                self.signal, self.status, self.reason = number, "cancelled", number.name
                for running in self._running.values():
                    running.handle.stop(GRACE)
            else:
                for running in self._running.values():
                    running.handle.kill()

    def _forkserver_died(self) -> None:
        self._selector.unregister(self._forkserver.fileno())
        self.status, self.reason = "failed", "the forkserver died"
        for running in list(self._running.values()):
            self._end(running, "lost", "the forkserver died", None)
