"""The runs of one project of which events have come lately; older ones are read again when something comes for them."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import TypeVar

from taximeter.events import Event
from taximeter.pricing.sheet import Sheet
from taximeter.rundir import OutputDir, safe_name
from taximeter.web.collect.counts import Counts
from taximeter.web.collect.handles import Handles
from taximeter.web.collect.prices import Prices
from taximeter.web.collect.recent import Recent
from taximeter.web.collect.run import Run
from taximeter.web.collect.stream import Stream

S = TypeVar("S", bound=Stream)

MOST_RUNS = 4_096
"""Runs that are held at once; each takes a file descriptor."""

MOST_STREAMS = 100_000
"""Streams, of all runs together, that are kept in memory; each takes about a kilobyte."""

_AROUND = 50_000
"""Spans that have not ended, with calls in them, which are known; each takes a tenth of a kilobyte."""


class Shelf:
    """What is known of the runs of one project, in bounded memory. For one thread."""

    def __init__(self, output: OutputDir, sheet: Sheet, handles: Handles) -> None:
        self.output = output
        self.counts = Counts(sheet)
        self.prices = Prices(sheet)
        self.runs: OrderedDict[str, Run] = OrderedDict()
        """By the names of their directories; the one that was heard of last at the end."""

        self.around = Recent(_AROUND)
        """Spans of OpenTelemetry in which there are calls: whichever of them comes later is no call itself."""

        self._handles = handles
        self._weight = 0

    def run(self, event: Event) -> Run:
        """The run of an event. OSError if there is no place for it."""
        name = safe_name(event.run_id or "")
        run = self.runs.get(name)
        if run is None:
            now = time.time()
            run = Run(self.output.run(name), min(event.started_at or now, now), self.prices.put)
            self.runs[name] = run
        return run

    def stream(self, run: Run, process: str, kind: type[S]) -> S:
        """What a process has sent for a run. OSError if that cannot be read."""
        known = run.streams.get(process)
        return known if isinstance(known, kind) else run.open_stream(process, self._handles, kind)

    def touch(self, run_id: str) -> None:
        """Something has come for a run."""
        self.runs[run_id].heard = time.monotonic()
        self.runs.move_to_end(run_id)

    def weigh(self, stream: Stream) -> None:
        """A stream has grown."""
        self._weight += stream.gain()

    def silent(self, seconds: float) -> Iterator[tuple[str, Run, float]]:
        """Runs of which nothing has come for so long, and for how long; those heard of first come first."""
        now = time.monotonic()
        for run_id, run in tuple(self.runs.items()):
            silence = now - run.heard
            if silence < seconds:
                return
            yield run_id, run, silence

    def drop(self, run: Run, process: str) -> None:
        """Forgets a stream whose file could not be written: it is read again."""
        stream = run.streams.pop(process)
        self._weight -= stream.counted
        self._handles.close(stream.path)

    def forget(self, run_id: str) -> None:
        """Lets a run go."""
        run = self.runs.pop(run_id)
        self._empty(run)
        run.let_go()

    def tidy(self) -> None:
        """Forgets what has been silent for longest, as far as memory and file descriptors ask for it."""
        while len(self.runs) > MOST_RUNS:
            self.forget(next(iter(self.runs)))
        for run in tuple(self.runs.values()):
            if self._weight <= MOST_STREAMS:
                return
            self._empty(run)

    def close(self) -> None:
        """Lets all runs go."""
        for run_id in tuple(self.runs):
            self.forget(run_id)

    def _empty(self, run: Run) -> None:
        for process in tuple(run.streams):
            self.drop(run, process)
