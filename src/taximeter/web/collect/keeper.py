"""Ends runs: those of which all has ended, and those of which nothing comes any more."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue

import msgspec

from taximeter.errors import RunDirError
from taximeter.events import SpanEvent
from taximeter.journal.reader import UNREADABLE
from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine
from taximeter.pricing.sheet import Sheet
from taximeter.report.build import PROGRAM, Books
from taximeter.report.runs import run_totals
from taximeter.web.collect.run import Run
from taximeter.web.collect.shelf import Shelf

_SETTLED = 2.0
"""Seconds of silence after which a run whose processes have all ended is over: another one may be about to begin."""

_UNFIT = (RunDirError, OSError, ValueError, ArithmeticError, *UNREADABLE)
"""What reading a directory can raise, whatever lies in it."""


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
        self._told: SimpleQueue[tuple[_Question, ManifestLine | None]] = SimpleQueue()
        threading.Thread(target=self._read, name="taximeter-keeper", daemon=True).start()

    def look(self, shelf: Shelf) -> None:
        """Ends what has ended, by the thread whose shelf it is."""
        self._heed()
        for run_id, run, silence in shelf.silent(_SETTLED):
            is_silent = silence >= self._lost_after
            if not run.is_ours:  # whoever began it tells how it ends
                if is_silent:
                    shelf.forget(run_id)
            elif (run.seems_over or is_silent) and not run.is_being_read:
                run.is_being_read = True
                self._asked.put(_Question(shelf, run_id, run, run.heard))

    def _heed(self) -> None:
        try:
            while True:
                question, line = self._told.get_nowait()
                question.run.is_being_read = False
                if question.shelf.runs.get(question.run_id) is question.run and question.run.heard == question.heard:
                    self._end(question, line)
        except Empty:
            return

    def _end(self, question: _Question, line: ManifestLine | None) -> None:
        shelf, run = question.shelf, question.run
        is_silent = any(silent is run for _, silent, _ in shelf.silent(self._lost_after))
        if line is not None and line.status == "lost" and not is_silent:
            run.others_open = True
            return
        if line is not None:
            try:
                manifest.append(shelf.output, line)
            except OSError:  # a full disk, say: it ends when that takes something again
                return
        shelf.forget(question.run_id)

    def _read(self) -> None:
        while True:
            question = self._asked.get()
            try:
                line = _read_to_end(question.run, question.shelf.prices.sheet)
            except _UNFIT:
                line = None
            self._told.put((question, line))


class _LastBooks(Books):
    """The books of a run that nobody works on any more, though it is still held."""

    def goes_on(self, processes: Sequence[SpanEvent]) -> bool:
        """No."""
        return False


def _read_to_end(run: Run, sheet: Sheet) -> ManifestLine:
    """What is to be said of it in the list of runs if nobody works on it any more."""
    books = _LastBooks(run.dir, PROGRAM, PROGRAM.instrumentation.call_limit, sheet=sheet)
    books.take()
    report = books.report()
    return ManifestLine(
        run.dir.run_id,
        started_at=report.started_at,
        ended_at=report.ended_at,
        status=report.status,
        totals=run_totals(report),
    )
