"""From a run directory to its report: the one way, for a finished run, a running one and a lost one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from taximeter.clock import Clock, SystemClock
from taximeter.errors import RunDirError
from taximeter.events import SpanEvent
from taximeter.journal.reader import UNREADABLE
from taximeter.ledger.figures import Figures, FiguresReader
from taximeter.ledger.ledger import Ledger
from taximeter.ledger.progress import ProgressLine, ProgressReader
from taximeter.pricing.sheet import Sheet, read_sheet
from taximeter.recipe.plan import Instrumentation, Plan, read_plan
from taximeter.rundir import RunDir, StageDir

if TYPE_CHECKING:
    from taximeter.report.records import RunInstrumentation, StageAttempt


def build(run: RunDir) -> RunInstrumentation:
    """The report of a run as its directory tells it now; RunDirError if it is not the directory of a run."""
    return open_books(run).report()


def open_books(run: RunDir) -> Books:
    """The books of a run, with all that its directory holds now; RunDirError if it is not the directory of a run."""
    books = empty_books(run)
    books.take()
    return books


def empty_books(run: RunDir) -> Books:
    """The books of a run, of which nothing was read but its plan; RunDirError if it is not the directory of a run."""
    if not run.is_one():
        raise RunDirError(f"{run.path} is not the directory of a run: it has neither a plan nor events")
    try:
        plan = read_plan(run.plan) if run.plan.exists() else PROGRAM if run.journals() else UNPLANNED
        return Books(run, plan, plan.instrumentation.call_limit)
    except UNREADABLE as error:
        raise RunDirError(f"a snapshot of {run.path} cannot be read: {error}") from None


PROGRAM = Plan(recipe_name="", recipe_path="", instrumentation=Instrumentation(enabled=True), stages=())
"""Stands for the plan of a program that no driver started."""

UNPLANNED = Plan(recipe_name="", recipe_path="", instrumentation=Instrumentation(enabled=False), stages=())
"""Stands for the plan of a run whose driver has not come so far, and will not if it is dead."""


class Books:
    """What a report is built from. Kept open while a run goes on, it reads only what is new.

    `call_limit` is how many calls of each stage are kept for the report, the most expensive ones; None is all.
    `sheet` prices the calls of a run that has no prices of its own.
    """

    def __init__(
        self,
        run: RunDir,
        plan: Plan,
        call_limit: int | None,
        clock: Clock | None = None,
        sheet: Sheet | None = None,
    ) -> None:
        self.run = run
        self.plan = plan
        if sheet is None:
            sheet = read_sheet(run.pricing) if run.pricing.exists() else Sheet()
        self.sheet = sheet
        self.ledger = Ledger(run, self.sheet, {stage.id: stage.folder for stage in plan.stages}, call_limit)
        self.is_metered = plan.instrumentation.enabled or run.pricing.exists()
        """Whether any sitting was metered: then there are figures to report."""
        self.figures = FiguresReader()
        self._progress: dict[str, ProgressReader] = {}
        """Of attempts that have not ended, by the name of the file."""

        self._last_said: dict[str, ProgressLine | None] = {}
        """Of those that have; their files are not read again."""

        self.clock = clock or SystemClock()

    def take(self) -> None:
        """Reads what is new, to the last word if the run is over."""
        if self.run.is_held():
            self.ledger.poll()
        else:
            self.ledger.finish()

    def goes_on(self, processes: Sequence[SpanEvent]) -> bool:
        """Whether the driver, or one of the programs that work in the run, still lives."""
        return self.run.is_held()

    def report(self) -> RunInstrumentation:
        """The report as of what the ledger has taken. What has no end is running if the driver lives, else lost."""
        from taximeter.report.whole import report_of  # a run that begins has nothing to report

        return report_of(self)

    def know(self, span: SpanEvent, figures: Figures | None, said: ProgressLine | None) -> None:
        """Takes the last word on an attempt from who ran it: what it took, and what it said of its progress. The files
        in which that stands need not be read."""
        attempt = span.attempt or 1
        if figures is not None:
            self.figures.know(self.folder_of(span), attempt, figures)
        self._last_said[f"{span.folder}/{attempt}"] = said

    def folder_of(self, span: SpanEvent) -> StageDir:
        """Where the stage of a span lies."""
        return self.run.stage(span.folder or "")

    def said(self, span: SpanEvent, attempt: StageAttempt) -> ProgressLine | None:
        """The latest that an attempt has said of its progress."""
        name = f"{span.folder}/{attempt.attempt}"
        if name not in self._last_said:
            reader = self._progress.get(name) or ProgressReader(self.folder_of(span).progress(attempt.attempt))
            reader.news()
            if attempt.status == "running":
                self._progress[name] = reader
                return reader.latest
            self._last_said[name] = reader.latest
            self._progress.pop(name, None)
        return self._last_said[name]
