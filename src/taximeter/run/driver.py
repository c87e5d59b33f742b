"""Runs the stages of a plan: each when what it needs is done, as many at a time as there is room for."""

from __future__ import annotations

import signal
from functools import partial

from taximeter.clock import Clock
from taximeter.events import Status
from taximeter.ledger.figures import Figures
from taximeter.recipe.plan import Plan, PlannedStage
from taximeter.redact import without_secrets
from taximeter.report.build import Books
from taximeter.run.attempts import Attempts, deafness
from taximeter.run.budgets import Budgets
from taximeter.run.checks import Checks, Unchecked
from taximeter.run.ending import Ending
from taximeter.run.eventloop import EventLoop
from taximeter.run.executor import Broken, Done, Executor, Lost, Started
from taximeter.run.interrupts import Interrupts
from taximeter.run.looker import Looker
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
from taximeter.run.underway import Running, Underway

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
        executor: Executor,
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
        self._executor = executor
        self._checks = checks
        self._observer = observer
        self._clock = clock
        self._budgets = Budgets(books, clock, observer.warn)
        self._attempts = Attempts(books, spans, executor, python, trouble, self._budgets, proxy)
        self._reuse = reuse
        self._looker = Looker(reuse)
        self._trouble = trouble
        settled = reuse.choice.skipped | reuse.choice.kept
        self._schedule = Schedule((stage for stage in plan.stages if stage.id not in settled), room)
        self._retries = RetryQueue(clock)
        look = Paced(lambda: observer.look(books.report()), clock, observer.interval, prepare=books.ledger.poll_some)
        progress = Paced(self._read_progress, clock, _PROGRESS_EVERY)
        budgets = Paced(self._keep_to_budgets, clock, self._budgets.interval)
        self._loop = EventLoop((state.paced, reports.paced, look, progress, budgets))
        self._running = Underway(clock)
        self._looked_at: dict[str, PlannedStage] = {}
        """Stages that have their room, and of which it is not known yet whether they must be run."""

        self.ending = Ending(keep_going=keep_going)

    def go(self, interrupts: Interrupts) -> None:
        """Runs all stages, or as many as can be."""
        with self._loop as loop:
            loop.listen(interrupts, lambda: self._interrupted(interrupts.read()))
            loop.listen(self._looker, self._start_or_reuse)
            for executor in (self._executor, *self._checks.executors):
                loop.listen(executor, partial(self._hear, executor))
            self._settle()
            self._interrupted(interrupts.read())  # nobody is told to start what would be ended at once
            self._look_at_ready()
            while self._running or ((self._looked_at or self._retries.waiting) and not self.ending.is_near):
                loop.wait(min(self._running.wait(), self._retries.wait()))
                self._running.stop_overdue()
                self._look_at_ready()
                loop.keep_up()
        self._skip_the_rest()
        if self.ending.status == "over_budget" and not self._budgets.is_exceeded() and self._state.is_complete():
            self.ending.was_enough()

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
        while not self.ending.is_near and (stage := self._schedule.next()):
            self._looked_at[stage.id] = stage
            if (look := self._looker.ask(stage)) is not None:
                self._start_unless_made(stage, look)

    def _start_or_reuse(self) -> None:
        for stage, look in self._looker.answers():
            if self.ending.is_near:
                return
            self._start_unless_made(stage, look)

    def _start_unless_made(self, stage: PlannedStage, look: Look) -> None:
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
        if self.ending.is_near:
            self._looked_at[stage.id] = stage
        elif over := self._budgets.overspent_by(stage):
            self._schedule.free(stage)
            self.ending.overspent(over)
            self._tell_end(stage, "over_budget", over.reason)
        else:
            self._start(stage, fingerprint)

    def _start(self, stage: PlannedStage, fingerprint: str | None) -> None:
        self._running.add(self._attempts.start(stage, fingerprint))
        self._state.stage(stage, "running")
        self._observer.started(stage)

    # -- what becomes of it -------------------------------------------------------------------------------------------

    def _hear(self, executor: Executor) -> None:
        for event in executor.poll(0):
            if isinstance(event, Broken):
                self._broken(event.reason)
            elif running := self._running.find(event.key, executor):
                match event:
                    case Started():
                        self._running.began(running)
                    case Done(figures=figures):
                        self._ended(running, figures)
                    case Lost(reason=reason):
                        self._failed(running, "lost", reason)

    def _ended(self, running: Running, figures: Figures) -> None:
        if running.figures is None:
            running.figures = figures
            error = self._attempts.failure(running, figures)
            if error is None and self.ending.signal is None and self._look_at_artifact(running):
                return
        else:
            error = self._checks.failure(running.stage, running.key, figures)
        if self.ending.signal is not None:
            self._end(running, "cancelled", f"ended by {self.ending.signal.name}{deafness(figures)}")
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
        check = self._checks.start(running.stage, running.key)
        if check is None:
            return False
        self._running.hand_over(running, check)
        return True

    def _failed(self, running: Running, status: Status, error: str) -> None:
        """Ends an attempt; there is another one if the stage's rule for retries allows it."""
        stage, error = running.stage, without_secrets(error)
        retry = None if self.ending.is_near else self._retries.put(stage, _code(running))
        if retry is None:
            self.ending.failed(stage.id, error)
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
        self._state.progress(running.stage, running.progress)
        self._attempts.close(running, status, error, running.figures)
        self._running.remove(running)
        self._schedule.free(running.stage)
        if self._plan.instrumentation.enabled:
            self._reports.paced.want()

    def _tell_end(self, stage: PlannedStage, status: Status, message: str | None) -> None:
        self._state.stage(stage, status, message)
        self._observer.ended(stage, status, message)

    def _read_progress(self) -> None:
        for running in self._running:
            self._state.progress(running.stage, running.progress)

    def _keep_to_budgets(self) -> None:
        """Ends what has spent what it might; what was made stays."""
        for over in list(self._budgets.overspent(self._running.stage_ids())):
            self.ending.overspent(over)
            for running in self._running:
                if running.overspent is None and over.stage_id in (None, running.stage.id):
                    running.overspent = over.reason
                    running.stop()

    def _overspent_by(self, running: Running) -> str | None:
        """Why a stage that failed could not go on, if it was its budget: a program can refuse calls itself."""
        over = next(self._budgets.overspent([running.stage.id]), None)
        if over is not None:
            self.ending.overspent(over)
        return None if over is None else over.reason

    def _skip_the_rest(self) -> None:
        """What will not be run any more."""
        for stage in (*self._looked_at.values(), *(stage for _, stage in self._retries.waiting.values())):
            if self._retries.knows(stage):
                self._tell_end(stage, "failed", "the run ended before it was tried again")
            else:
                self._skip(stage)
        for stage in self._schedule.waiting.values():
            self._skip(stage)

    def _skip(self, stage: PlannedStage) -> None:
        self._spans.skip_stage(stage)
        failed = next((need for need in stage.needs if self._state.status(need) in _UNMET), None)
        self._tell_end(stage, "skipped", failed and f"it needs {failed}: {self._state.status(failed)}")

    def _interrupted(self, signals: list[signal.Signals]) -> None:
        for number in signals:
            if self.ending.signal is None:
                self.ending.asked_for(number)
                self._running.stop()
            else:
                self._running.stop(grace=0)

    def _broken(self, reason: str) -> None:
        self.ending.broken(reason)
        for running in self._running:
            self._failed(running, "lost", reason)


def _code(running: Running) -> int | None:
    if running.figures is None:
        return None
    return TIMED_OUT if running.has_timed_out(running.figures) else exit_code(running.figures)
