"""Runs the stages of a plan: each when what it needs is done, as many at a time as there is room for."""

from __future__ import annotations

import math
import selectors
import signal
from collections.abc import Callable

from taximeter.clock import Clock
from taximeter.events import Status
from taximeter.ledger.figures import Figures
from taximeter.recipe.plan import Plan, PlannedStage
from taximeter.redact import without_secrets
from taximeter.report.build import Books
from taximeter.run.attempts import GRACE, Attempts, Running, deafness
from taximeter.run.budgets import Budgets, Overspent
from taximeter.run.checks import Checks, Unchecked
from taximeter.run.interrupts import Interrupts
from taximeter.run.launcher import Forkserver
from taximeter.run.looker import Looker
from taximeter.run.messages import Done, Lost, Started
from taximeter.run.observer import Observer
from taximeter.run.paced import Paced
from taximeter.run.proxied import Direct, Proxy
from taximeter.run.reports import Reports
from taximeter.run.retries import TIMED_OUT, RetryQueue, exit_code
from taximeter.run.reuse import Look, Reuse
from taximeter.run.schedule import Room, Schedule
from taximeter.run.spans import DriverSpans
from taximeter.run.state import StateFiles
from taximeter.run.trouble import Trouble

_PROGRESS_EVERY = 0.5
_UNMET = ("failed", "lost", "cancelled", "skipped", "over_budget")


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
        checks: Checks | Unchecked,
        observer: Observer,
        trouble: Trouble,
        reuse: Reuse,
        room: Room,
        python: str,
        proxy: Proxy | Direct,
        clock: Clock,
        *,
        keep_going: bool,
    ) -> None:
        self._plan = plan
        self._spans = spans
        self._state = state
        self._reports = reports
        self._forkserver = forkserver
        self._checks = checks
        self._observer = observer
        self._clock = clock
        self._budgets = Budgets(books, clock, observer.warn)
        self._attempts = Attempts(books, spans, forkserver, python, trouble, self._budgets, proxy)
        self._reuse = reuse
        self._looker = Looker(reuse)
        self._trouble = trouble
        settled = reuse.choice.skipped | reuse.choice.kept
        self._schedule = Schedule((stage for stage in plan.stages if stage.id not in settled), room)
        self._retries = RetryQueue(clock)
        self._keep_going = keep_going
        self._selector = selectors.DefaultSelector()
        look = Paced(lambda: observer.look(books.report()), clock, observer.interval, prepare=books.ledger.poll_some)
        progress = Paced(self._read_progress, clock, _PROGRESS_EVERY)
        budgets = Paced(self._keep_to_budgets, clock, self._budgets.interval)
        self._paced = (state.paced, reports.paced, look, progress, budgets)
        self._running: dict[str, Running] = {}
        self._looked_at: dict[str, PlannedStage] = {}
        """Stages that have their room, and of which it is not known yet whether they must be run."""

        self._is_closing = False
        """Nothing is started any more."""

        self.status: Status = "done"
        self.reason: str | None = None
        self.signal: signal.Signals | None = None
        """The signal that asked for the end."""

    def go(self, interrupts: Interrupts) -> None:
        """Runs all stages, or as many as can be."""
        with self._selector:
            self._listen(interrupts.fileno(), lambda: self._interrupted(interrupts.read()))
            self._listen(self._forkserver.fileno(), self._forkserver_died)
            self._listen(self._looker.fileno(), self._start_or_reuse)
            self._settle()
            self._interrupted(interrupts.read())  # nobody is told to start what would be ended at once
            self._look_at_ready()
            while self._running or ((self._looked_at or self._retries.waiting) and not self._is_closing):
                for key, _ in self._selector.select(self._patience()):
                    if self._selector.get_map().get(key.fd) is key:  # else one before it has closed what it listens to
                        key.data()
                self._end_overdue()
                self._look_at_ready()
                self._keep_up()
        for stage in (*self._looked_at.values(), *(stage for _, stage in self._retries.waiting.values())):
            if self._retries.knows(stage):
                self._tell_end(stage, "failed", "the run ended before it was tried again")
            else:
                self._skip(stage)
        for stage in self._schedule.waiting.values():
            self._skip(stage)
        if self.status == "over_budget" and not self._budgets.is_exceeded() and self._state.is_complete():
            self.status, self.reason = "done", None  # all of it was spent, and was enough

    def _settle(self) -> None:
        """The stages that are not even looked at, and what must not be seen any more."""
        with self._trouble:
            self._reuse.clear(self._plan)
        for stage in self._plan.stages:
            if stage.id in self._reuse.choice.skipped:
                self._skip(stage)
            elif stage.id in self._reuse.choice.kept:
                self._reused(stage, self._reuse.keep(stage))

    def _look_at_ready(self) -> None:
        for due in self._retries.take_due():
            self._schedule.again(due)
        while not self._is_closing and (stage := self._schedule.next()):
            self._looked_at[stage.id] = stage
            self._looker.ask(stage)

    def _start_or_reuse(self) -> None:
        for stage, look in self._looker.answers():
            if self._is_closing:
                return
            del self._looked_at[stage.id]
            if look.made is not None:
                self._reused(stage, look)
                self._schedule.free(stage)
                self._schedule.done(stage)
            else:
                self._start_in_budget(stage, look.fingerprint)

    def _reused(self, stage: PlannedStage, look: Look) -> None:
        self._spans.reuse_stage(stage, look.fingerprint, look.reused_from, look.stale)
        self._tell_end(stage, "reused", None)

    def _start_in_budget(self, stage: PlannedStage, fingerprint: str | None) -> None:
        self._keep_to_budgets()
        if self._is_closing:
            self._looked_at[stage.id] = stage
        elif over := self._budgets.overspent_by(stage):
            self._schedule.free(stage)
            self._overspent(over)
            self._tell_end(stage, "over_budget", over.reason)
        else:
            self._start(stage, fingerprint)

    def _start(self, stage: PlannedStage, fingerprint: str | None) -> None:
        running = self._running[stage.id] = self._attempts.start(stage, fingerprint)
        self._listen(running.handle.fileno(), lambda: self._hear(running))
        self._state.stage(stage, "running")
        self._observer.started(stage)

    def _hear(self, running: Running) -> None:
        for message in running.handle.read():
            match message:
                case Done(figures=figures):
                    self._ended(running, figures)
                case Lost():
                    self._failed(running, "lost", "its supervisor died")
                case Started():
                    if running.figures is None and running.stage.timeout is not None:
                        running.deadline = self._clock.monotonic() + running.stage.timeout

    def _ended(self, running: Running, figures: Figures) -> None:
        if running.figures is None:
            running.figures = figures
            error = self._attempts.failure(running, figures)
            if error is None and self.signal is None and self._look_at_artifact(running):
                return
        else:
            error = self._checks.failure(running.stage, running.number, figures)
        if self.signal is not None:
            self._end(running, "cancelled", f"ended by {self.signal.name}{deafness(figures)}")
        elif error and (reason := running.overspent or self._overspent_by(running)):
            self._end(running, "over_budget", f"{reason}{deafness(figures)}")
        elif error:
            self._failed(running, "failed", error)
        else:
            self._end(running, "done", None)
            self._budgets.look_back(running.stage)
            self._schedule.done(running.stage)

    def _look_at_artifact(self, running: Running) -> bool:
        """Has the rows of its artifact checked, if a schema says what they must be; it ends when that has."""
        check = self._checks.start(running.stage, running.number)
        if check is None:
            return False
        self._selector.unregister(running.handle.fileno())
        running.handle.close()
        running.handle, running.deadline = check, math.inf
        self._listen(check.fileno(), lambda: self._hear(running))
        return True

    def _failed(self, running: Running, status: Status, error: str) -> None:
        """Ends an attempt; there is another one if the stage's rule for retries allows it."""
        stage, error = running.stage, without_secrets(error)
        retry = None if self._is_closing else self._retries.put(stage, _code(running))
        if retry is None:
            if self.status == "done":
                self.status, self.reason = "failed", f"stage {stage.id}: {error}"
            self._is_closing |= not self._keep_going
            self._end(running, status, error)
            return
        self._close(running, status, error)
        self._state.stage(stage, "pending", f"{error}; {retry}")
        self._observer.ended(stage, status, f"{error}; {retry}")

    def _end(self, running: Running, status: Status, error: str | None) -> None:
        """Ends the last attempt of a stage, and with it the stage."""
        self._close(running, status, error)
        self._tell_end(running.stage, status, error)

    def _close(self, running: Running, status: Status, error: str | None) -> None:
        self._selector.unregister(running.handle.fileno())
        self._state.progress(running.stage, running.progress)
        self._attempts.close(running, status, error, running.figures)
        del self._running[running.stage.id]
        self._schedule.free(running.stage)
        if self._plan.instrumentation.enabled:
            self._reports.paced.want()

    def _tell_end(self, stage: PlannedStage, status: Status, message: str | None) -> None:
        self._state.stage(stage, status, message)
        self._observer.ended(stage, status, message)

    def _read_progress(self) -> None:
        for running in self._running.values():
            self._state.progress(running.stage, running.progress)

    def _end_overdue(self) -> None:
        """Ends the attempts that have had their time."""
        now = self._clock.monotonic()
        for running in self._running.values():
            if now >= running.deadline:
                running.deadline, running.overdue = math.inf, True
                running.handle.stop(GRACE)

    def _keep_to_budgets(self) -> None:
        """Ends what has spent what it might; what was made stays."""
        for over in list(self._budgets.overspent(self._running)):
            self._overspent(over)
            for running in self._running.values():
                if running.overspent is None and over.stage_id in (None, running.stage.id):
                    running.overspent = over.reason
                    running.handle.stop(GRACE)

    def _overspent_by(self, running: Running) -> str | None:
        """Why a stage that failed could not go on, if it was its budget: a program can refuse calls itself."""
        over = next(self._budgets.overspent([running.stage.id]), None)
        if over is not None:
            self._overspent(over)
        return None if over is None else over.reason

    def _overspent(self, over: Overspent) -> None:
        if self.status == "done":
            self.status, self.reason = "over_budget", over.reason
        self._is_closing |= over.stage_id is None or not self._keep_going

    def _skip(self, stage: PlannedStage) -> None:
        self._spans.skip_stage(stage)
        failed = next((need for need in stage.needs if self._state.status(need) in _UNMET), None)
        self._tell_end(stage, "skipped", failed and f"it needs {failed}: {self._state.status(failed)}")

    # -- the loop -----------------------------------------------------------------------------------------------------

    def _listen(self, fd: int, heard: Callable[[], None]) -> None:
        self._selector.register(fd, selectors.EVENT_READ, heard)

    def _patience(self) -> float | None:
        due = min((running.deadline for running in self._running.values()), default=math.inf)
        wait = min(due - self._clock.monotonic(), self._retries.wait(), *(paced.wait() for paced in self._paced))
        return None if wait == math.inf else max(wait, 0.0)

    def _keep_up(self) -> None:
        """Figures for those who look, and for those who read the files."""
        for paced in self._paced:
            paced.tick()

    def _interrupted(self, signals: list[signal.Signals]) -> None:
        for number in signals:
            if self.signal is None:
                self.signal, self.status, self.reason = number, "cancelled", number.name
                self._is_closing = True
                for running in self._running.values():
                    running.handle.stop(GRACE)
            else:
                for running in self._running.values():
                    running.handle.kill()

    def _forkserver_died(self) -> None:
        self._selector.unregister(self._forkserver.fileno())
        self.status, self.reason = "failed", "the forkserver died"
        self._is_closing = True
        for running in list(self._running.values()):
            self._failed(running, "lost", "the forkserver died")


def _code(running: Running) -> int | None:
    if running.figures is None:
        return None
    return TIMED_OUT if running.has_timed_out(running.figures) else exit_code(running.figures)
