"""Ends runs: those of which all has ended, and those of which nothing comes any more."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue

import msgspec

from taximeter.errors import RunDirError
from taximeter.events import SpanEvent, Status
from taximeter.journal.reader import UNREADABLE
from taximeter.ledger.manifest import RunTotals
from taximeter.pricing.sheet import Sheet
from taximeter.report.build import PROGRAM, Books
from taximeter.report.runs import run_totals
from taximeter.web.collect.run import Run
from taximeter.web.collect.shelf import Shelf

_SETTLED = 2.0
"""Seconds of silence after which a run whose processes have all ended is over: another one may be about to begin."""

_UNFIT = (RunDirError, OSError, ValueError, ArithmeticError, *UNREADABLE)
"""What reading a directory can raise, whatever lies in it."""


class _State(msgspec.Struct, frozen=True):
    """How a run stands if nobody works on it any more."""

    status: Status
    ended_at: str | None
    totals: RunTotals


class _Question(msgspec.Struct, frozen=True):
    shelf: Shelf
    run_id: str
    run: Run
    heard: float
    """When anything had come last as it was asked."""


class Keeper:
    """Looks after the runs of a shelf. To read a large run takes seconds, so a thread of its own does it."""

    def __init__(self, lost_after: float) -> None:
        self._lost_after = lost_after
        self._asked: SimpleQueue[_Question] = SimpleQueue()
        self._told: SimpleQueue[tuple[_Question, _State | None]] = SimpleQueue()
        threading.Thread(target=self._read, name="taximeter-keeper", daemon=True).start()

    def look(self, shelf: Shelf) -> None:
        """Ends what has ended, by the thread whose shelf it is."""
        self._heed()
        for run_id, run, silence in shelf.silent(_SETTLED):
            is_silent = silence >= self._lost_after
            if is_silent and not run.is_ours:
                shelf.forget(run_id)
            elif (run.seems_over or is_silent) and not run.is_being_read:
                run.is_being_read = True
                self._asked.put(_Question(shelf, run_id, run, run.heard))

    def _heed(self) -> None:
        try:
            while True:
                question, state = self._told.get_nowait()
                question.run.is_being_read = False
                if question.shelf.runs.get(question.run_id) is question.run and question.run.heard == question.heard:
                    self._end(question, state)
        except Empty:
            return

    def _end(self, question: _Question, state: _State | None) -> None:
        shelf, run = question.shelf, question.run
        is_silent = any(silent is run for _, silent, _ in shelf.silent(self._lost_after))
        if state is not None and state.status == "lost" and not is_silent:
            run.others_open = True
            return
        if state is not None:
            try:
                run.end(shelf.output, state.status, state.ended_at, state.totals)
            except OSError:  # a full disk, say: it ends when that takes something again
                return
        shelf.forget(question.run_id)

    def _read(self) -> None:
        while True:
            question = self._asked.get()
            try:
                report = _read_to_end(question.run, question.shelf.prices.sheet)
            except _UNFIT:
                self._told.put((question, None))
            else:
                self._told.put((question, report))


class _LastBooks(Books):
    """The books of a run that nobody works on any more, though it is still held."""

    def goes_on(self, processes: Sequence[SpanEvent]) -> bool:
        """No."""
        return False


def _read_to_end(run: Run, sheet: Sheet) -> _State:
    books = _LastBooks(run.dir, PROGRAM, PROGRAM.instrumentation.call_limit, sheet=sheet)
    books.take()
    report = books.report()
    return _State(report.status, report.ended_at, run_totals(report))
