"""Runs the stages of a plan: each when what it needs is done, as many at a time as allowed."""

from __future__ import annotations

import os
import selectors
import signal
from collections import deque
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
from taximeter.run.messages import Done, Lost, Sample, Started, Task
from taximeter.run.observer import Observer
from taximeter.run.paced import Paced
from taximeter.run.reports import Reports
from taximeter.run.spans import DriverSpans
from taximeter.run.state import StateFiles

GRACE = 5.0
"""Seconds between TERM and KILL."""

_REPORT_GAP = 1.0


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
        self._jobs = jobs
        self._python = python
        self._clock = clock
        self._artifacts = Artifacts(plan, books.run)
        self._selector = selectors.DefaultSelector()
        self._look = Paced(lambda: observer.look(reports.now()), clock)
        self._order = TopologicalSorter({stage.id: stage.needs for stage in plan.stages})
        self._order.prepare()
        self._waiting = {stage.id: stage for stage in plan.stages}
        self._ready: deque[str] = deque()
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
        self._ready.extend(self._order.get_ready())
        while self._ready and len(self._running) < self._jobs and self.status == "done":
            self._start(self._waiting.pop(self._ready.popleft()))

    def _start(self, stage: PlannedStage) -> None:
        folder = self._run.stage(stage.folder)
        folder.path.mkdir(exist_ok=True)
        span = self._spans.open_stage(stage, attempt=1)
        environment = stage_environment(os.environ, stage, self._run, span)
        metered = self._plan.instrumentation.enabled
        if metered:
            environment |= metering_environment(stage, self._run, span)
        task = Task(
            argv=self._argv(stage),
            env=environment,
            cwd=str(Path.cwd()),
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
                case Started() | Sample():
                    pass  # the figures are in the usage file, for us as for everybody else

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
        gaps = [self._observer.interval, _REPORT_GAP if self._plan.instrumentation.enabled else None]
        return min((gap for gap in gaps if gap is not None), default=None)

    def _keep_up(self) -> None:
        """Figures for those who look, and for those who read the files."""
        self._state.paced.tick()
        if self._plan.instrumentation.enabled:
            self._reports.paced.want_every(_REPORT_GAP)
        if self._observer.interval is not None:
            self._look.want_every(self._observer.interval)

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
