"""From a recipe to a finished run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from taximeter.clock import Clock, Ids
from taximeter.errors import Problem, SetupError
from taximeter.redact import brief, without_secrets
from taximeter.run.again import make_reuse, open_for_writing
from taximeter.run.artifacts import Artifacts
from taximeter.run.budgets import left_in
from taximeter.run.checks import Checks, Unchecked
from taximeter.run.driver import Driver
from taximeter.run.entry import Entry, report_files
from taximeter.run.executor import Caps, Executor
from taximeter.run.executors.choose import HERE, connect
from taximeter.run.executors.local import Local
from taximeter.run.gitstate import GitQuestion
from taximeter.run.interrupts import Interrupts
from taximeter.run.launcher import Forkserver
from taximeter.run.observer import Observer
from taximeter.run.opening import enter
from taximeter.run.options import RunOptions
from taximeter.run.outcome import Outcome
from taximeter.run.prepare import Prepared, prepare
from taximeter.run.proxied import Direct, Proxy, proxy_of
from taximeter.run.reports import Reports
from taximeter.run.schedule import Room
from taximeter.run.snapshots import write_sheet, write_snapshots
from taximeter.run.spans import DriverSpans
from taximeter.run.state import StateFiles
from taximeter.run.trouble import Trouble

if TYPE_CHECKING:
    from taximeter.report.records import RunInstrumentation


def conduct(
    forkserver: Forkserver,
    options: RunOptions,
    observe: Callable[[], Observer],
    clock: Clock,
    executor: Executor | None,
) -> Outcome:
    """Runs a recipe, as `run_recipe` says."""
    prepared = prepare(options)
    if options.strict and not prepared.checked.plan.instrumentation.enabled:
        message = "the run is not metered, so there are no figures to be complete"
        raise SetupError(Problem(message, "add --instrument", key="--strict"))
    git = GitQuestion(Path.cwd())
    with (
        closing(executor or _executor(prepared, forkserver)) as runs,
        Interrupts() as interrupts,
        closing(enter(prepared.run, options)) as lock,
    ):
        forkserver.hold(lock.stages)
        plan = prepared.checked.plan
        left = left_in(prepared.run, plan.budget)
        with closing(proxy_of(plan.instrumentation, prepared.run, left)) as proxy:
            execution = _Execution(prepared, git, clock)
            del prepared, plan  # the document of a large recipe would stay until the run is over
            return execution.go(forkserver, runs, observe, interrupts, proxy)


def _executor(prepared: Prepared, forkserver: Forkserver) -> Executor:
    options = prepared.options
    name = options.executor or HERE
    if name == HERE:
        return Local(forkserver)
    executor = connect(name, options.address, options.jobs, options.files)
    if prepared.checked.plan.instrumentation.capture == "proxy" and not executor.caps.is_here:
        executor.close()
        message = "the proxy listens on this machine alone, and the stages run elsewhere"
        raise SetupError(Problem(message, "give --capture auto", key=f"--executor {name}"))
    return executor


class _Execution:
    """One run, from its first line in the manifest to its last."""

    def __init__(self, prepared: Prepared, git: GitQuestion, clock: Clock) -> None:
        self._options = prepared.options
        self._run = prepared.run
        self._git = git
        self._clock = clock
        self._trouble = Trouble()
        self._books = open_for_writing(prepared, clock, write_sheet(prepared.sheet, self._run))
        self._plan = self._books.plan
        sittings = self._books.ledger.sittings()
        self._reuse = make_reuse(prepared, self._books, Artifacts(self._plan, self._run), sys.executable)
        write_snapshots(msgspec.structs.replace(prepared.checked, plan=self._plan), self._run)
        self._files = report_files(self._run) if self._books.is_metered else None
        self._spans = DriverSpans(
            self._run.events, self._run.run_id, clock, Ids(), self._trouble, sitting=len(sittings) + 1
        )
        self._state = StateFiles(self._run, self._plan, self._files, self._spans.started_at, clock, self._trouble)
        created_at = sittings[0].started_at if sittings else self._spans.started_at
        self._entry = Entry(self._run, self._plan, created_at, self._spans.started_at, self._files)

    def go(
        self,
        forkserver: Forkserver,
        executor: Executor,
        observe: Callable[[], Observer],
        interrupts: Interrupts,
        proxy: Proxy | Direct,
    ) -> Outcome:
        options = self._options
        reports = Reports(self._books, self._clock, self._trouble)
        checks = Checks(self._run, Local(forkserver), sys.executable, self._clock)
        with closing(observe()) as observer:
            driver = Driver(
                self._plan,
                self._books,
                self._spans,
                self._state,
                reports,
                executor,
                Unchecked() if options.validate is False else checks,
                observer,
                self._trouble,
                self._reuse,
                _room(options.jobs, executor.caps),
                sys.executable,
                proxy,
                self._clock,
                keep_going=bool(options.keep_going),
            )
            driver.go(interrupts)
        forkserver.dismiss()
        with self._trouble:  # before the last report, which has all that it wrote
            proxy.close()
        status, reason, gone = driver.ending.status, driver.ending.reason, None
        if not self._run.path.is_dir():
            gone = f"{self._run.path} was removed while the run went on"
            status, reason = ("failed", gone) if status == "done" else (status, reason)
        from taximeter.report.dead import close_dead  # needed at the end, as what follows
        from taximeter.report.gaps import gaps

        with self._trouble:
            close_dead(self._run)  # of stages that were ended before they could
        self._spans.close_run(status, reason)
        report = reports.finish() if self._files else reports.now()
        self._state.end(status, reason)
        with self._trouble:
            self._entry.end(status, report, self._git.answer())
        first = self._trouble.first
        trouble = gone or (without_secrets(str(first)) if first else None)
        incomplete = [*gaps(report), *filter(None, [trouble])] if options.strict else self._unpriced(report)
        return Outcome(self._run, self._plan, status, report, driver.ending.signal, trouble, incomplete)

    def _unpriced(self, report: RunInstrumentation) -> list[str]:
        """Models without a price, where the price sheet calls that an error."""
        if self._books.sheet.on_unknown == "unpriced" or not report.pricing.unpriced:
            return []
        return [f"No price of {', '.join(map(brief, report.pricing.unpriced))}, which the price sheet calls an error."]


def _room(jobs: int | None, caps: Caps) -> Room:
    """What stages may take at a time. Where fewer are asked for than could run, none is submitted ahead."""
    cpus = caps.cpus if jobs is None else float(jobs)
    return Room(cpus, caps.memory, caps.gpus, caps.ahead if cpus >= caps.cpus else 0.0)
