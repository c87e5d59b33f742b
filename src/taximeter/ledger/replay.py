"""All that a run has written, once more and one by one, for those who need more of it than sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from taximeter.events import CallEvent, SpanEvent
from taximeter.ledger.callsums import CallSums
from taximeter.ledger.ledger import Ledger
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
    plan = read_plan(run.plan) if run.plan.exists() else None
    folders = {stage.id: stage.folder for stage in plan.stages} if plan else {}
    ledger = _Replay(run, sheet, folders, listener)
    if run.is_held():
        ledger.poll()
    else:
        ledger.finish()
    for span in ledger.spans.values():
        listener.span(span)
    for local in ledger.local.values():
        for span in local.open.values():
            listener.span(span)
    return ledger


class _Calls(CallSums):
    def __init__(self, sheet: Sheet, tell: Callable[[CallEvent, Cost], None]) -> None:
        super().__init__(sheet, 0, None)
        self._tell = tell

    def take(self, call: CallEvent, since: float | None = None) -> None:
        if call.started_at is None:
            call.started_at = since
        self._tell(call, price(call, self._sheet))


class _Replay(Ledger):
    def __init__(self, run: RunDir, sheet: Sheet, folders: dict[str, str], listener: Listener) -> None:
        super().__init__(run, sheet, folders, 0)
        self.calls = _Calls(sheet, listener.call)
        self._listener = listener

    def _take_region(self, span: SpanEvent) -> None:
        self._listener.span(span)

    def _take_local(self, span: SpanEvent) -> None:
        if span.ended_at is not None:
            self._listener.span(span)
