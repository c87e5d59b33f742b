"""All that a run has written, once more and one by one, for those who need more of it than sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from taximeter.events import CallEvent, SpanEvent
from taximeter.journal.reader import Line
from taximeter.journal.short import EventReader
from taximeter.ledger.callsums import CallSums
from taximeter.ledger.ledger import Ledger, SinkReader
from taximeter.pricing.cost import Cost
from taximeter.pricing.price import price
from taximeter.pricing.sheet import Sheet
from taximeter.recipe.plan import read_plan
from taximeter.rundir import RunDir


class Listener(Protocol):
    """Who is told."""

    def call(self, call: CallEvent, cost: Cost) -> None:
        """A call, with what it cost. It has a time: its own, or when its attempt began."""
        ...

    def span(self, span: SpanEvent) -> None:
        """A span as it ended; one without an end is still running, or lost. Those of runs, processes and stages of a
        driver come after all calls."""
        ...


def replay(run: RunDir, sheet: Sheet, listener: Listener) -> Ledger:
    """Tells each call and each span of a run, once, in bounded memory; gives what is known of the run as a whole.

    A snapshot of the plan that cannot be read is an error of msgspec.
    """
    ledger = Replay(run, sheet, listener)
    ledger.take()
    return ledger


class _Calls(CallSums):
    def __init__(self, sheet: Sheet, tell: Callable[[CallEvent, Cost], None]) -> None:
        super().__init__(sheet, 0, None)
        self._tell = tell

    def take(self, call: CallEvent, since: float | None = None) -> None:
        if call.started_at is None:
            call.started_at = since
        self._tell(call, price(call, self._sheet))


class Replay(Ledger):
    """Tells a listener what is new in a run, each time that it is asked to take it."""

    def __init__(self, run: RunDir, sheet: Sheet, listener: Listener) -> None:
        plan = read_plan(run.plan) if run.plan.exists() else None
        super().__init__(run, sheet, {stage.id: stage.folder for stage in plan.stages} if plan else {}, 0)
        self.calls = _Calls(sheet, listener.call)
        self.taken = 0
        """Bytes of lines that were read: the same for all that have read a run as far."""

        self._listener = listener
        self._told: dict[str, tuple[str, int]] = {}
        """The record of each span that may get another one, by span id."""

    def take(self) -> None:
        """Tells what was written since the last time, to the last word if nobody works on the run any more."""
        if self._run.is_held():
            self.poll()
        else:
            self.finish()
        told = self._told
        self._told = {}
        for span in self._unsettled():
            self._told[span.span_id] = span.event_id
            if told.get(span.span_id) != span.event_id:
                self._listener.span(span)

    def _unsettled(self) -> Iterator[SpanEvent]:
        yield from self.spans.values()
        for local in self.local.values():
            yield from local.open.values()

    def _take_event(self, events: EventReader, line: Line) -> None:
        self.taken += len(line.data) + 1
        super()._take_event(events, line)

    def _take_line(self, reader: SinkReader, line: Line) -> None:
        self.taken += len(line.data) + 1
        super()._take_line(reader, line)

    def _take_region(self, span: SpanEvent) -> None:
        self._listener.span(span)

    def _take_local(self, span: SpanEvent) -> None:
        if span.ended_at is not None:
            self._listener.span(span)
