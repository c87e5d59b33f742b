"""Keeps the report files of a run up to date while it goes on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from taximeter.clock import Clock
from taximeter.numbers import to_json
from taximeter.report.build import Books, build
from taximeter.run.paced import Paced
from taximeter.run.trouble import Trouble
from taximeter.rundir import replace, replace_with

if TYPE_CHECKING:
    from taximeter.report.records import RunInstrumentation

_EVERY = 1.0
_TWENTIETH = 20
"""Of the time, at most: a chain of short stages waits for each writing."""


class Reports:
    """`instrumentation.json` and `.md`, of a metered run about once a second; and `.html` at its end."""

    def __init__(self, books: Books, clock: Clock, trouble: Trouble) -> None:
        self._books = books
        self._trouble = trouble
        every = _EVERY if books.plan.instrumentation.enabled else math.inf
        self.paced = Paced(lambda: self._write(books.report()), clock, every, books.ledger.poll_some, times=_TWENTIETH)

    def now(self) -> RunInstrumentation:
        """The report of what has been written so far."""
        self._books.ledger.poll()
        return self._books.report()

    def _write(self, report: RunInstrumentation) -> None:
        from taximeter.report import json, markdown  # the first stage does not wait for them

        run = self._books.run
        with self._trouble:
            replace_with(run.report_json, json.parts(report))
            replace(run.report_md, markdown.render(report).encode())

    def finish(self) -> RunInstrumentation:
        """The last word: all files; and all calls, in a file of their own too, if the recipe wants every call."""
        wants_all = self._books.plan.instrumentation.call_limit is None
        if wants_all and self._books.run.plan.exists():  # a stage may have removed it
            return self._finish_with_all_calls()
        self._books.ledger.finish()
        report = self._books.report()
        self._write_last(report)
        return report

    def _write_last(self, report: RunInstrumentation) -> None:
        from taximeter.report import html
        from taximeter.report.attached import attached

        self._write(report)
        with self._trouble:
            run = self._books.run
            replace_with(run.report_html, html.parts(report, attached(run, report.stages)))

    def _finish_with_all_calls(self) -> RunInstrumentation:
        report = build(self._books.run)
        self._write_last(report)
        calls = (call for stage in report.stages for call in stage.llm_calls)
        with self._trouble:
            replace_with(self._books.run.calls, (to_json(call) + b"\n" for call in calls))
        return report
