"""How a process that records goes on: it beats, rolls into the next run, forks, and ends."""

from __future__ import annotations

import atexit
import sys
import threading
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

from taximeter.events import Event, Status
from taximeter.journal.short import ShortSpan
from taximeter.recorder import guard
from taximeter.recorder.options import Options
from taximeter.recorder.process import Process
from taximeter.recorder.sinks.sink import is_within, leaves
from taximeter.recorder.state import State

if TYPE_CHECKING:
    from taximeter.pricing.sheet import Sheet
    from taximeter.recorder.home import Home
    from taximeter.recorder.part import Part
    from taximeter.recorder.purse import Purse

_BEAT = 5.0
"""Seconds until the span of the process is written anew, so that a kill loses no losses."""


_PATIENCE = 1.0
"""Seconds that a stage waits at most: hooks and services of the program's own are called while the lock is held."""


class Staying:
    """Holds the lock of a recorder that may roll, if it can be had."""

    def __init__(self, lock: threading.RLock | None) -> None:
        self._lock = lock
        self._is_held = False

    def __enter__(self) -> None:
        self._is_held = self._lock is not None and self._lock.acquire(timeout=_PATIENCE)

    def __exit__(self, *_: object) -> None:
        if self._lock is not None and self._is_held:
            self._lock.release()


class Life(State):
    """The part of the recorder that writes to one run after another, from the first event to the end of the process."""

    def __init__(self) -> None:
        super().__init__()
        self.run_id: str = ""
        """The run that events belong to; empty before the first `enable`."""

        self.prices: Sheet | None = None
        """By which the tokens of spans are priced; None before they are needed."""

        self.purse: Purse | None = None
        """What may be spent and what is; None without a budget."""

        self.lock = threading.RLock()
        """Held while it is turned on or off, rolls or beats."""

        self._part: Part | None = None
        """What this process writes now; None while the recorder is off."""

    def _move(self, home: Home) -> None:
        """Begins to write there, and ends what was written before."""
        from taximeter.recorder.part import Part

        old = self._part
        if old is None:
            self.process.began = perf_counter()
            guard.forget()
            atexit.unregister(self.at_exit)
            atexit.register(self.at_exit)
        else:
            old.home.unexport()
        self._part = part = Part(home, self.process, self.options.redact)
        self.run_id = home.run_id
        part.export()
        self._begin(part)
        if old is not None:
            if old.home.run_id != home.run_id:
                for stage in tuple(self.process.stages):
                    guard.guarded(stage.go_on)(old.delivery(), old.home.run_id)
            old.next = part
            old.end("done", None, staying=home.sink)
            if any(is_within(sink, home.sink) for sink in leaves(old.home.sink)):
                part.beat()  # what comes now is of the run that a process has named last in a file

    def _begin(self, part: Part) -> None:
        self.beat_at = perf_counter() + _BEAT
        part.begin()
        self._listen(part)
        _finish_with_multiprocessing(self.at_exit)

    def _listen(self, part: Part) -> None:
        """Hands what comes from now on to the sink of this part."""
        self.deliver_short = part.short_delivery()
        self.deliver = part.delivery()

    def _end(self, status: Status, error: str | None) -> None:
        part, self._part = self._part, None
        if part is not None:
            self.deliver = self.deliver_short = None
            self.take(Options())
            self.purse = None
            part.home.unexport()
            part.end(status, error)

    def at_exit(self) -> None:
        """Ends the run when the process ends in good order."""
        with self.lock:
            part, options = self._part, self.options
            if part is None:
                return
            home, prices = part.home, self.prices
            began_here = home.lock is not None if home.run is not None else self.process.forked_from is None
            error = getattr(sys, "last_value", None) if not hasattr(sys, "ps1") else None
            self._end("failed" if error else "done", guard.told(error) if error else None)
        if options.summary and began_here:
            guard.guarded(_run_hooks)(home, prices)

    @guard.guarded
    def beat(self, now: float) -> None:
        """Writes the span of the process anew, with what was lost so far; `now` is of `perf_counter`."""
        self.beat_at = now + _BEAT
        lock = self.lock
        if not lock.acquire(blocking=False):
            return  # it is turned on or off just now, or beats in another thread
        try:
            self._beat()
        finally:
            lock.release()

    def _beat(self) -> None:
        part, roll = self._part, self.options.roll
        if part is None or self.deliver is None:
            return
        part.beat()
        if roll is not None and part.home.can_roll and roll.is_due(part.home.sink):
            guard.guarded(self._roll)(part, roll.next_run_id())

    def staying(self) -> Staying:
        """While this is entered the process does not leave its run: a stage begins, or ends, in one run."""
        return Staying(None if self.options.roll is None else self.lock)

    def _roll(self, part: Part, run_id: str) -> None:
        home = part.home.next(run_id, self.process.id)
        self.prices = home.sheet(self.prices)  # not read anew: its file may be gone by now
        self._move(home)

    def in_child(self) -> None:
        """Makes this the recorder of a child that was just forked: new ids, a new file, no lock of the parent's."""
        parent, part = self.process, self._part
        self.lock = threading.RLock()
        self.process = Process(parent.parent, parent.span_id if part is not None else parent.forked_from)
        guard.forget()
        if self.purse is not None:
            self.purse.in_child()
        if part is not None:
            self._part = part.in_child(self.process)
            self.deliver = guard.delivering(self._first_in_child)
            self.deliver_short = guard.delivering(self._first_short_in_child)

    def _first_in_child(self, event: Event) -> None:
        part = self._begun_in_child()
        if part is not None:
            part.delivery()(event)

    def _first_short_in_child(self, span: ShortSpan) -> None:
        part = self._begun_in_child()
        if part is not None:
            part.short_delivery()(span)

    def _begun_in_child(self) -> Part | None:
        with self.lock:
            part = self._part
            if part is not None and not part.has_begun:
                self._begin(part)
        return part


def _run_hooks(home: Home, prices: Sheet | None) -> None:
    """Calls what other layers registered for the end of a run, such as the table that `summary=True` prints."""
    from importlib.metadata import entry_points

    for entry in entry_points(group="taximeter.on_close"):
        entry.load()(home, prices)


def _finish_with_multiprocessing(at_exit: Callable[[], None]) -> None:
    """Its children end by `os._exit`, which runs no `atexit`."""
    for name in ("multiprocessing.util", "billiard.util"):
        util = sys.modules.get(name)
        if util is not None:
            util.Finalize(None, at_exit, exitpriority=0)
