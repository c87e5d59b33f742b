"""Where the proxy writes calls down: a journal in the directory of each run that it serves, the first one its own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns

import msgspec

from taximeter.budget import Budget
from taximeter.errors import RunDirError
from taximeter.events import CallEvent, Event
from taximeter.recorder.home import Home, join, open_home
from taximeter.recorder.part import Part
from taximeter.recorder.process import Process, remote_parent
from taximeter.recorder.purse import Purse
from taximeter.recorder.ratecards import load_rate_card
from taximeter.rundir import OutputDir, RunDir, safe_name

_BEAT_NS = 5_000_000_000
_MOST_OPEN = 32
"""Journals of other runs that are open at the same time; the one that was idle longest is closed for a new one."""


class _Journal:
    """What the proxy writes to one run."""

    def __init__(self, home: Home, process: Process) -> None:
        self._part = Part(home, process, None)
        self._part.begin()
        self.deliver: Callable[[Event], None] = self._part.delivery()
        self._beat_at = perf_counter_ns() + _BEAT_NS

    def write(self, call: CallEvent) -> None:
        """Writes a call, and from time to time that the process still runs and what it lost."""
        self.deliver(call)
        if perf_counter_ns() > self._beat_at:
            self._beat_at = perf_counter_ns() + _BEAT_NS
            self._part.beat()

    def close(self) -> None:
        self._part.end("done", None)


class Books:
    """Takes finished calls. What it has taken is in the page cache: it outlives the process, however that ends."""

    def __init__(self, home: Home, process: Process, purse: Purse | None = None) -> None:
        self.run_id = home.run_id
        self.home = home
        self.purse = purse
        """What may be spent, and what was; None without a budget."""

        self._process = process
        self._own = _Journal(home, self._process)
        self._others: OrderedDict[str, _Journal] = OrderedDict()

    def knows(self, run_id: str | None) -> bool:
        """Whether calls for this run can be taken: it is the proxy's own, or lies beside it."""
        return run_id in (None, self.run_id) or run_id in self._others or self._beside(run_id or "") is not None

    def record(self, call: CallEvent) -> None:
        """Writes a call to the run that it names, else to the proxy's own; fills in ids."""
        if self.purse is not None:
            self.purse.take(call, None)
        journal = self._journal(call.run_id)
        process = self._process
        journal.write(
            msgspec.structs.replace(
                call,
                event_id=(process.id, next(process.seq)),
                run_id=call.run_id or self.run_id,
                trace_id=process.parent.trace_id or f"{process.id}{0:020x}",
                span_id=process.span_id,
            )
        )

    def _journal(self, run_id: str | None) -> _Journal:
        if run_id in (None, self.run_id):
            return self._own
        journal = self._others.get(run_id)
        if journal is None:
            run = self._beside(run_id)
            if run is None:
                return self._own  # it was removed meanwhile: better here than nowhere
            if len(self._others) >= _MOST_OPEN:
                self._others.popitem(last=False)[1].close()
            journal = self._others[run_id] = _Journal(join(run, self._process.id), self._process)
        self._others.move_to_end(run_id)
        return journal

    def _beside(self, run_id: str) -> RunDir | None:
        own = self.home.run
        if own is None or safe_name(run_id) != run_id:
            return None
        run = OutputDir(own.output).run(run_id)
        return run if run.is_one() else None

    def close(self) -> None:
        """Ends all journals, and the run if the proxy has begun it."""
        for journal in (*self._others.values(), self._own):
            journal.close()


def open_books(
    run_dir: Path | None,
    run_id: str | None,
    output_dir: Path | None,
    price_table: Path | None,
    budget: Budget | None = None,
) -> Books:
    """The books in the run directory that is named, else where the environment says, else in a run of the proxy's own.

    `price_table` becomes the prices of a run that begins here; `budget` is what all calls through the proxy may spend.
    SetupError or RunDirError for what cannot be used.
    """
    process = Process(remote_parent())
    prices = None if price_table is None else load_rate_card(price_table)
    if run_dir is None:
        home = open_home(None, run_id, output_dir, process.id)
        if home.lock is not None:
            home.sheet(prices)
    elif RunDir(run_dir).is_one():
        home = join(RunDir(run_dir.absolute()), process.id)
    else:
        raise RunDirError(f"{run_dir} is not the directory of a run")
    return Books(home, process, None if budget is None else Purse(budget, home.sheet(prices)))
