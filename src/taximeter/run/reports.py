"""Keeps the report files of a run up to date while it goes on."""

from __future__ import annotations

from taximeter.clock import Clock
from taximeter.numbers import to_json
from taximeter.report import json, markdown
from taximeter.report.build import Books, build
from taximeter.report.schemas import RunInstrumentation
from taximeter.run.paced import Paced
from taximeter.rundir import replace


class Reports:
    """`instrumentation.json` and `.md`, each replaced in one step. Trouble with them never ends a run."""

    def __init__(self, books: Books, clock: Clock) -> None:
        self._books = books
        self.paced = Paced(self._write, clock)
        self.trouble: OSError | None = None
        """Why the files could not be written the last time, if they could not."""

    def now(self) -> RunInstrumentation:
        """The report of what has been written so far."""
        self._books.ledger.poll()
        return self._books.report()

    def _write(self) -> None:
        self._write_files(self.now())

    def _write_files(self, report: RunInstrumentation) -> None:
        run = self._books.run
        try:
            replace(run.report_json, json.render(report).encode())
            replace(run.report_md, markdown.render(report).encode())
        except OSError as error:
            self.trouble = error
        else:
            self.trouble = None

    def finish(self) -> RunInstrumentation:
        """The last word: both files; and all calls, in a file of their own too, if the recipe wants every call."""
        instrumentation = self._books.plan.instrumentation
        if instrumentation.call_limit is None:
            return self._finish_with_all_calls()
        report = self.now()
        self._write_files(report)
        return report

    def _finish_with_all_calls(self) -> RunInstrumentation:
        report = build(self._books.run)
        self._write_files(report)
        calls = (call for stage in report.stages for call in stage.llm_calls)
        try:
            replace(self._books.run.calls, b"".join(to_json(call.model_dump()) + b"\n" for call in calls))
        except OSError as error:
            self.trouble = error
        return report
