"""A command as a run of its own: nothing changed in it, and metered as a stage is."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from taximeter.budget import NO_BUDGET, Budget
from taximeter.clock import Clock, Ids, SystemClock
from taximeter.errors import RunDirError
from taximeter.events import Status
from taximeter.ledger.figures import Figures
from taximeter.ledger.ledger import Attempt
from taximeter.pricing.builtin import sheet_in
from taximeter.pricing.sheet import Sheet
from taximeter.recipe.plan import Capture, Instrumentation, Plan, PlannedStage
from taximeter.redact import hide_named, without_secrets
from taximeter.run.entry import Entry, report_files
from taximeter.run.environment import capturing, inherited, metering_environment, stage_environment
from taximeter.run.execloop import Command, failure
from taximeter.run.gitstate import GitQuestion
from taximeter.run.interrupts import Interrupts
from taximeter.run.jobsignals import PASSED
from taximeter.run.launcher import Forkserver, StageHandle
from taximeter.run.messages import Launch
from taximeter.run.moneycheck import check_money
from taximeter.run.paced import Paced
from taximeter.run.proxied import Direct, Proxy, proxy_of
from taximeter.run.snapshots import write_sheet
from taximeter.run.spans import DriverSpans
from taximeter.run.state import StateFiles
from taximeter.run.trouble import Trouble
from taximeter.rundir import OutputDir, RunDir, check_run_id, new_run_id, replace, safe_name
from taximeter.totals import NOTHING

if TYPE_CHECKING:
    from taximeter.report.records import RunInstrumentation
    from taximeter.run.budgets import Budgets
    from taximeter.run.reports import Reports

LOST = 125
"""Exit code when nobody knows how the command ended, as `env` and `timeout` have it for trouble of their own."""

OVER_BUDGET = 3
"""Exit code of a command that was ended by its budget, or could not go on for it."""

_GRACE = 5.0
"""Seconds to end in after TERM."""

_NEVER_IGNORED = frozenset({signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD})
"""Python ignores the first two itself, and a supervisor needs the last."""


class ExecOptions(msgspec.Struct, frozen=True, kw_only=True):
    """A command and what is asked about its run; None leaves it to the default."""

    command: tuple[str, ...]
    run_id: str | None = None
    output_dir: Path | None = None
    price_table: Path | None = None
    capture: Capture = "auto"
    budget: Budget = NO_BUDGET


class Executed(msgspec.Struct, frozen=True):
    """A command that has ended."""

    run: RunDir
    report: RunInstrumentation
    exit_code: int
    """The command's own; 128 + the signal that ended it; 126 and 127 as shells have them if it could not be started;
    `OVER_BUDGET`."""

    spawn_error: str | None = None
    """Why it could not be started."""

    trouble: str | None = None
    """The first error with the files that a run writes about itself, if there was one."""


def run_command(options: ExecOptions, warn: Callable[[str], None], clock: Clock | None = None) -> Executed:
    """Runs a command in the foreground, with the standard streams, the terminal and the group of this process.

    `warn` is told when its budget is nearly used up.

    SetupError or RunDirError before it starts if something that a person wrote cannot be used. From then until the
    last word is written, the signals in `PASSED` are for the command.
    """
    cwd = Path.cwd()
    ignored = tuple(n for n in signal.valid_signals() - _NEVER_IGNORED if signal.getsignal(n) == signal.SIG_IGN)
    with closing(Forkserver.in_foreground()) as forkserver:  # it boots while prices are read
        hide_named(os.environ)
        name = program_name(options.command)
        sheet = sheet_in(options.price_table)
        output = OutputDir((options.output_dir or Path("output")).absolute())
        asked = options.run_id
        run = output.run(new_run_id(name, datetime.now(UTC)) if asked is None else check_run_id(asked))
        plan = _plan(name, options)
        check_money(plan, sheet)
        git = GitQuestion(cwd)
        with Interrupts(PASSED, ignorable=PASSED) as interrupts:
            run.create()
            with closing(run.lock()) as lock:
                forkserver.hold(lock.stages)
                with closing(_proxy(plan, run)) as proxy:
                    execution = _Execution(options, plan, sheet, run, git, clock or SystemClock())
                    return execution.go(forkserver, interrupts, ignored, proxy, warn)


def _proxy(plan: Plan, run: RunDir) -> Proxy | Direct:
    try:
        return proxy_of(plan.instrumentation, run, plan.budget.left(NOTHING))
    except RunDirError:
        shutil.rmtree(run.path)  # nothing was begun
        raise


class _Execution:
    """One run of a command, from its first line in the manifest to its last."""

    def __init__(
        self, options: ExecOptions, plan: Plan, sheet: Sheet, run: RunDir, git: GitQuestion, clock: Clock
    ) -> None:
        self._argv = list(options.command)
        self._plan = plan
        self._sheet = sheet
        self._run = run
        self._git = git
        self._clock = clock
        self._stage = plan.stages[0]
        self._capture = plan.instrumentation.capture
        self._trouble = Trouble()
        self._is_stopped = False
        write_sheet(sheet, run)
        replace(run.plan, plan.snapshot())
        run.stage(self._stage.folder).path.mkdir()
        self._spans = DriverSpans(run.events, run.run_id, clock, Ids(), self._trouble)
        files = report_files(run)
        self._state = StateFiles(run, plan, files, self._spans.started_at, clock, self._trouble)
        self._entry = Entry(run, plan, self._spans.started_at, self._spans.started_at, files)

    def go(
        self,
        forkserver: Forkserver,
        interrupts: Interrupts,
        ignored: tuple[int, ...],
        proxy: Proxy | Direct,
        warn: Callable[[str], None],
    ) -> Executed:
        stage, folder = self._stage, self._run.stage(self._stage.folder)
        span = self._spans.open_stage(stage, 1)
        self._state.stage(stage, "running")
        metering = metering_environment(stage, self._run, span, self._plan.budget.left(NOTHING))
        known = stage_environment(inherited(os.environ), stage, self._run, span) | metering
        environment = capturing(known, self._capture, folder.marks(1))
        task = Launch(
            argv=self._argv,
            env=environment | proxy.variables(environment, stage, 1),
            cwd=str(Path.cwd()),
            log_path=None,
            ignored=ignored,
            usage_path=str(folder.usage(1)),
        )
        handle = forkserver.launch(task)
        # What takes longest to load is loaded while the command starts.
        from taximeter.report.build import Books
        from taximeter.run.budgets import Budgets
        from taximeter.run.reports import Reports

        books = Books(self._run, self._plan, self._plan.instrumentation.call_limit, self._clock, self._sheet)
        reports = Reports(books, self._clock, self._trouble)
        budgets = Budgets(books, self._clock, warn)
        limit = Paced(lambda: self._keep_to(budgets, handle), self._clock, budgets.interval)
        command = Command(handle, forkserver, interrupts, (reports.paced, limit))
        figures = command.wait()
        with self._trouble:  # before the last report, which has all that it wrote
            proxy.close()
        status, error = failure(figures, command.signals)
        books.ledger.poll()
        over = next(budgets.overspent(()), None)
        if over and (status == "failed" or (status == "done" and budgets.is_exceeded())):
            status, error = "over_budget", over.reason
        items_in, items_out = (books.ledger.items.get((Attempt(stage.id, 1), way)) for way in ("in", "out"))
        self._spans.close_stage(span, status, figures, error, items_in, items_out)
        self._state.stage(stage, status, error)
        self._end(status, error, reports)
        first = self._trouble.first
        return Executed(
            self._run,
            self._report,
            OVER_BUDGET if status == "over_budget" else _exit_code(figures),
            figures.spawn_error if figures else None,
            without_secrets(str(first)) if first else None,
        )

    def _keep_to(self, budgets: Budgets, handle: StageHandle) -> None:
        """Tells the command to end, once, when it has spent what it might."""
        if not self._is_stopped and any(budgets.overspent(())):
            self._is_stopped = True
            handle.stop(_GRACE)

    def _end(self, status: Status, error: str | None, reports: Reports) -> None:
        self._spans.close_run(status, error)
        self._report = reports.finish()
        self._state.end(status, error)
        with self._trouble:
            self._entry.end(status, self._report, self._git.answer())


def program_name(command: tuple[str, ...]) -> str:
    """What to call a run of a command: its program; of an interpreter the script or the Python module that it runs."""
    program = Path(command[0]).name
    if not program.startswith("python") or len(command) == 1:
        return program
    option, *more = command[1:]
    if option == "-m" and more:
        return more[0]
    return program if option.startswith("-") else Path(option).stem


def _plan(name: str, options: ExecOptions) -> Plan:
    shown = tuple(os.fsencode(word).decode("utf-8", "backslashreplace") for word in options.command)
    stage = PlannedStage(index=1, id=name, stage=name, folder=f"01_{safe_name(name)}", out="", command=shown)
    table = None if options.price_table is None else str(options.price_table)
    return Plan(
        recipe_name="",
        recipe_path="",
        instrumentation=Instrumentation(enabled=True, price_table=table, capture=options.capture),
        stages=(stage,),
        budget=options.budget,
    )


def _exit_code(figures: Figures | None) -> int:
    if figures is None:
        return LOST
    if figures.signal is not None:
        return 128 + figures.signal
    return LOST if figures.exit_code is None else figures.exit_code
