"""From a recipe to a finished run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from taximeter.clock import Clock, Ids, SystemClock, iso
from taximeter.events import Status
from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine, ReportFiles
from taximeter.pricing.load import BUILT_IN, load_sheet
from taximeter.recipe.model import InstrumentationBlock
from taximeter.recipe.options import PlanOptions
from taximeter.recipe.plan import Plan
from taximeter.recipe.planner import check
from taximeter.report.build import Books
from taximeter.report.runs import run_totals
from taximeter.report.schemas import RunInstrumentation
from taximeter.run.driver import Driver
from taximeter.run.gitstate import GitQuestion
from taximeter.run.launcher import Forkserver
from taximeter.run.observer import Observer
from taximeter.run.options import RunOptions
from taximeter.run.outcome import Outcome
from taximeter.run.reports import Reports
from taximeter.run.snapshots import write_snapshots
from taximeter.run.spans import DriverSpans
from taximeter.run.state import StateFiles
from taximeter.run.trouble import Trouble
from taximeter.rundir import OutputDir, RunDir, check_run_id, new_run_id

_LIVE_CALLS = 50
"""Calls of a stage that are kept while a run goes on that lists them all in the end."""


def run_recipe(options: RunOptions, observe: Callable[[], Observer], clock: Clock | None = None) -> Outcome:
    """Runs a recipe: SetupError with all that is wrong, before anything starts; RunDirError if the run exists.

    `observe` makes the one who watches, once all is checked. SIGINT, SIGTERM and SIGHUP end the run in good
    order.
    """
    with closing(Forkserver.start()) as forkserver:  # it boots while the recipe is read
        checked = check(options.recipe, _plan_options(options))
        plan = checked.plan
        sheet = load_sheet(Path(plan.instrumentation.price_table or BUILT_IN)) if plan.instrumentation.enabled else None
        git = GitQuestion(Path.cwd())
        # Absolute, since a stage may go wherever it likes.
        output = OutputDir((options.output_dir or Path(plan.output_dir or "output")).absolute())
        asked = plan.run_id if options.run_id is None else options.run_id
        run = output.run(new_run_id(plan.recipe_name, datetime.now(UTC)) if asked is None else check_run_id(asked))
        run.create()
        with closing(run.lock()):
            write_snapshots(checked, sheet, run)
            execution = _Execution(plan, output, run, git, clock or SystemClock())
            return execution.go(forkserver, observe, options.jobs)


def _plan_options(options: RunOptions) -> PlanOptions:
    flags: dict[str, Any] = {}
    if options.instrument is not None:
        flags["enabled"] = options.instrument
    if options.price_table is not None:
        flags["price_table"] = str(options.price_table)
    return PlanOptions(
        mock=options.mock,
        set=options.overrides,
        registry=options.registry,
        instrument_config=options.instrument_config,
        instrumentation=InstrumentationBlock(**flags) if flags else None,
    )


class _Execution:
    """One run, from its first line in the manifest to its last."""

    def __init__(self, plan: Plan, output: OutputDir, run: RunDir, git: GitQuestion, clock: Clock) -> None:
        self._plan = plan
        self._output = output
        self._run = run
        self._git = git
        self._clock = clock
        self._trouble = Trouble()
        self._files = self._report_files() if plan.instrumentation.enabled else None
        self._spans = DriverSpans(run.events, run.run_id, clock, Ids(), self._trouble)
        self._state = StateFiles(run, plan, self._files, self._spans.started_at, clock, self._trouble)
        started = iso(self._spans.started_at)
        self._line = ManifestLine(
            run_id=run.run_id,
            recipe=plan.recipe_name,
            created_at=started,
            started_at=started,
            status="running",
            tags=plan.tags or None,
            instrumentation=self._files,
        )
        manifest.append(output, self._line)

    def go(self, forkserver: Forkserver, observe: Callable[[], Observer], jobs: int) -> Outcome:
        limit = self._plan.instrumentation.call_limit
        books = Books(self._run, self._plan, _LIVE_CALLS if limit is None else limit, self._clock)
        reports = Reports(books, self._clock, self._trouble)
        with closing(observe()) as observer:
            driver = Driver(
                self._plan,
                books,
                self._spans,
                self._state,
                reports,
                forkserver,
                observer,
                self._trouble,
                jobs,
                sys.executable,
                self._clock,
            )
            driver.go()
        status, reason, gone = driver.status, driver.reason, None
        if not self._run.path.is_dir():
            gone = f"{self._run.path} was removed while the run went on"
            status, reason = ("failed", gone) if status == "done" else (status, reason)
        self._spans.close_run(status, reason)
        report = reports.finish() if self._files else reports.now()
        self._state.end(status, reason)
        self._end(status, report)
        first = self._trouble.first
        trouble = gone or (str(first) if first else None)
        return Outcome(self._run, self._plan, status, report, driver.signal, trouble)

    def _end(self, status: Status, report: RunInstrumentation) -> None:
        """The last line in the manifest."""
        line = msgspec.structs.replace(
            self._line,
            ended_at=report.ended_at,
            status=status,
            totals=run_totals(report),
            git=self._git.answer(),
        )
        with self._trouble:
            manifest.append(self._output, line)

    def _report_files(self) -> ReportFiles:
        def relative(path: Path) -> str:
            return path.relative_to(self._output.path).as_posix()

        return ReportFiles(json=relative(self._run.report_json), md=relative(self._run.report_md))
