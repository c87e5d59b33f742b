"""Runs the stages of a plan: each when what it needs is done, as many at a time as there is room for."""

from __future__ import annotations

import signal
from functools import partial

from taximeter.clock import Clock
from taximeter.events import Status
from taximeter.ledger.figures import Figures
from taximeter.recipe.plan import Plan, PlannedShard, PlannedStage
from taximeter.redact import without_secrets
from taximeter.report.build import Books
from taximeter.run.ahead import for_a_metered_run, for_any_run
from taximeter.run.aside import Aside
from taximeter.run.attempts import Attempts, deafness
from taximeter.run.budgets import Budgets
from taximeter.run.checks import Checks, Unchecked
from taximeter.run.ending import Ending
from taximeter.run.eventloop import EventLoop
from taximeter.run.executor import Broken, Done, Executor, Lost, Started
from taximeter.run.interrupts import Interrupts
from taximeter.run.limits import Limits
from taximeter.run.observer import Observer
from taximeter.run.paced import Paced
from taximeter.run.proxied import Direct, Proxy
from taximeter.run.reports import Reports
from taximeter.run.retries import RetryQueue
from taximeter.run.reuse import Look, Reuse
from taximeter.run.schedule import Room, Schedule
from taximeter.run.shards import Shards, named
from taximeter.run.spans import DriverSpans
from taximeter.run.state import StateFiles
from taximeter.run.teller import Teller
from taximeter.run.trouble import Trouble
from taximeter.run.underway import Running, Underway

_PROGRESS_EVERY = 0.5


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
        self._teller = Teller(spans, state, observer)
        self._reports = reports
        self._executor = executor
        self._checks = checks
        self.ending = Ending(keep_going=keep_going)
        self._running = Underway(clock)
        self._budgets = Budgets(books, clock, observer.warn)
        self._limits = Limits(self._budgets, self._running, self.ending)
        self._attempts = Attempts(books, spans, executor, python, trouble, self._budgets, proxy)
        self._reuse = reuse
        self._looker = Aside(reuse.settle)
        self._trouble = trouble
        settled = reuse.choice.skipped | reuse.choice.kept
        self._schedule = Schedule((stage for stage in plan.stages if stage.id not in settled), room)
        self._retries = RetryQueue(clock)
        look = Paced(lambda: observer.look(books.report()), clock, observer.interval, prepare=books.ledger.poll_some)
        progress = Paced(self._read_progress, clock, _PROGRESS_EVERY)
        budgets = Paced(self._limits.keep, clock, self._budgets.interval)
        chores = for_a_metered_run() if plan.instrumentation.enabled else for_any_run()
        self._loop = EventLoop((state.paced, reports.paced, look, progress, budgets), chores)
        self._looked_at: dict[str, PlannedStage] = {}
        """Stages that have their room, and of which it is not known yet whether they must be run."""

        self._shards = Shards(books, spans, self._attempts, self.ending, self._over)

    def go(self, interrupts: Interrupts) -> None:
        """Runs all stages, or as many as can be."""
        with self._loop as loop:
            loop.listen(interrupts, lambda: self._interrupted(interrupts.read()))
            loop.listen(self._looker, self._start_or_reuse)
            loop.listen(self._shards.joins, self._shards.joined)
            for executor in (self._executor, *self._checks.executors):
                loop.listen(executor, partial(self._hear, executor))
            self._settle()
            self._interrupted(interrupts.read())  # nobody is told to start what would be ended at once
            self._go_on()
            while self._running or self._goes_on():
                loop.wait(min(self._running.wait(), self._retries.wait()))
                self._running.stop_overdue()
                self._go_on()
                loop.keep_up()
        self._skip_the_rest()
        if self.ending.status == "over_budget" and not self._budgets.is_exceeded() and self._teller.is_complete():
            self.ending.was_enough()

    def _goes_on(self) -> bool:
        """Whether there is more to come, though no process runs."""
        awaited = self._looked_at or self._retries.waiting
        return bool(awaited and not self.ending.is_near) or self._shards.are_joined

    def _settle(self) -> None:
        """The stages that are not even looked at, and what must not be seen any more."""
        with self._trouble:
            self._reuse.clear(self._plan)
        for stage in self._plan.stages:
            if stage.id in self._reuse.choice.skipped:
                self._teller.skipped(stage)
            elif stage.id in self._reuse.choice.kept:
                self._teller.reused(stage, self._reuse.keep(stage))

    def _go_on(self) -> None:
        """Starts what can be started, and tells of it and of what has ended while that runs."""
        self._look_at_ready()
        self._teller.tell()

    def _look_at_ready(self) -> None:
        for due in self._retries.take_due():
            self._schedule.again(due)
        while not self.ending.is_near and (stage := self._schedule.next()):
            if sharded := self._shards.of(stage):
                self._start_in_budget(stage, sharded.fingerprint)
                continue
            self._looked_at[stage.id] = stage
            if self._reuse.is_quick(stage):
                self._start_unless_made(stage, self._reuse.look(stage))
            else:
                self._looker.ask(stage)

    def _start_or_reuse(self) -> None:
        for stage, look in self._looker.answers():
            if self.ending.is_near:
                return
            self._start_unless_made(stage, look)

    def _start_unless_made(self, stage: PlannedStage, look: Look) -> None:
        del self._looked_at[stage.id]
        if look.made is not None:
            self._teller.reused(stage, look)
            self._schedule.free(stage)
            self._schedule.done(stage)
        elif stage.shards:
            self._start_shards(stage, look)
        else:
            self._start_in_budget(stage, look.fingerprint)

    def _start_in_budget(self, stage: PlannedStage, fingerprint: str | None) -> None:
        self._limits.keep()
        if self.ending.is_near:
            self._looked_at[stage.id] = stage
        elif over := self._budgets.overspent_by(stage):
            self._schedule.free(stage)
            self.ending.overspent(over)
            self._over(stage, "over_budget", over.reason)
        else:
            self._start(stage, fingerprint)

    def _start(self, stage: PlannedStage, fingerprint: str | None) -> None:
        around = self._shards.begins(stage)
        self._running.add(self._attempts.start(stage, fingerprint, around))
        if around is None:
            self._teller.started(stage)

    def _start_shards(self, stage: PlannedStage, look: Look) -> None:
        """Has the shards of a stage started as there is room for them."""
        self._schedule.free(stage)
        self._teller.started(stage)
        for shard in self._shards.begin(stage, look):
            self._schedule.again(shard)
        self._shards.conclude(stage.id)

    def _hear(self, executor: Executor) -> None:
        for event in executor.poll(0):
            if isinstance(event, Broken):
                self._broken(event.reason)
            elif running := self._running.find(event.key, executor):
                match event:
                    case Started(node=node, ago=ago):
                        running.span.node = node
                        self._running.began(running, ago)
                    case Done(figures=figures, gaps=gaps):
                        running.note(gaps)
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
        elif error and (reason := running.overspent or self._limits.reason(running)):
            self._end(running, "over_budget", f"{reason}{deafness(figures)}")
        elif error:
            self._failed(running, "failed", error)
        else:
            self._end(running, "done", None)

    def _look_at_artifact(self, running: Running) -> bool:
        """Has the rows of its artifact checked, if a schema says what they must be; it ends when that has."""
        check = self._checks.start(running.stage, running.key)
        if check is not None:
            self._running.hand_over(running, check)
        return check is not None

    def _failed(self, running: Running, status: Status, error: str) -> None:
        """Ends an attempt; there is another one if the stage's rule for retries allows it."""
        stage, error = running.stage, without_secrets(error)
        retry = None if self.ending.is_near else self._retries.put(stage, running.code)
        if retry is None:
            self.ending.failed(stage.id, named(stage, error))
            self._end(running, status, error)
            return
        self._close(running, status, error)
        told = named(stage, f"{error}; {retry}")
        sharded = self._shards.of(stage)
        self._teller.tried(stage, status, told, sharded.stage if sharded else None)

    def _end(self, running: Running, status: Status, error: str | None) -> None:
        """Ends the last attempt of a stage or shard, and with it that."""
        self._close(running, status, error)
        self._over(running.stage, status, error)

    def _over(self, stage: PlannedStage, status: Status, error: str | None) -> None:
        """There is no other attempt of a stage, or of a shard."""
        if isinstance(stage, PlannedShard):
            self._shards.ended(stage, status, error)
            return
        self._teller.ended(stage, status, error)
        if self._plan.instrumentation.enabled:
            self._reports.paced.want()
        if status == "done":
            self._budgets.look_back(stage)
            self._limits.keep()  # it may have been too quick to be looked at
            self._schedule.done(stage)

    def _close(self, running: Running, status: Status, error: str | None) -> None:
        self._teller.progress(running)
        self._attempts.close(running, status, error, running.figures)
        self._running.remove(running)
        self._schedule.free(running.stage)
        self._shards.ends(running.stage)

    def _read_progress(self) -> None:
        for running in self._running:
            self._teller.progress(running)

    def _skip_the_rest(self) -> None:
        """What will not be run any more."""
        self._shards.cut_short()
        for stage in (*self._looked_at.values(), *(stage for _, stage in self._retries.waiting.values())):
            if isinstance(stage, PlannedShard):
                continue  # its stage has ended
            if self._retries.knows(stage):
                self._teller.ended(stage, "failed", "the run ended before it was tried again")
            else:
                self._teller.skipped(stage)
        for stage in self._schedule.waiting.values():
            self._teller.skipped(stage)

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
