"""The part a process takes in a run: where its events go, and what it says there of the run and of itself."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import msgspec

from taximeter.events import Event, SpanEvent, Status
from taximeter.journal.line import truncated
from taximeter.journal.short import Origin, ShortSpan
from taximeter.recorder import context, guard
from taximeter.recorder.pids import pid_space
from taximeter.recorder.process import Process
from taximeter.recorder.sinks.sink import Sink, child_of, losses_of, short_of

if TYPE_CHECKING:
    from taximeter.recorder.home import Home
    from taximeter.recorder.sinks.redacting import Redact


class Part:
    """What one process writes to one home. The spans of the process, and of a run that it begins, are written when it
    begins and again when it ends."""

    def __init__(self, home: Home, process: Process, redact: Redact | None) -> None:
        self.home = home
        self.redact = redact
        """Sees every event before the sink does."""

        self.has_begun = False
        """Whether anything was written: a forked child has no file before it has something to say."""

        self.next: Part | None = None
        """What its process writes now; None while it is this."""

        self._process = process
        self._truncated_before = truncated.copy()
        self._run_span = _run_span(process, home.run_id) if home.lock is not None else None
        self._trace_id = process.parent.trace_id or (self._run_span.trace_id if self._run_span else process.trace_id)

    def delivery(self) -> Callable[[Event], None]:
        """Hands one event to the sink, and never raises. Asked for anew when the sink or the hook has changed."""
        if self.redact is None:
            return guard.delivering(self.home.sink.emit, self._deliver_late)
        from taximeter.recorder.sinks.redacting import RedactingSink

        return guard.delivering(RedactingSink(self.home.sink, self.redact).emit, self._deliver_late)

    def _deliver_late(self, event: Event) -> bool:
        """Hands an event on to what comes after: its thread was on the way to a sink that is closed now."""
        if self.next is None:
            return False
        self.next.delivery()(msgspec.structs.replace(event, run_id=self.next.home.run_id))
        return True

    def _deliver_short_late(self, span: ShortSpan) -> bool:
        if self.next is None:
            return False
        self.next.short_delivery()(span)
        return True

    def short_delivery(self) -> Callable[[ShortSpan], None]:
        """The same for a span in short, which is made whole where somebody else than the file sees it."""
        emit = short_of(self.home.sink, self._process.id)
        if emit is not None and self.redact is None:
            return guard.delivering(emit, self._deliver_short_late)
        deliver, scope = self.delivery(), context.process_scope
        origin = Origin(self._process.id, self.home.run_id, self._process.pid, scope.attempt, scope.shard)
        return lambda span: deliver(span.whole(origin))

    def export(self) -> None:
        """Lets child processes join the run, and hang under this process unless it hangs under another one itself."""
        self.home.export(None if self._process.parent.span_id else f"00-{self._trace_id}-{self._process.span_id}-01")

    def begin(self) -> None:
        """Says that the run, if it is this process's, and the process have begun."""
        self.has_begun = True
        deliver = self.delivery()
        if self._run_span is not None:
            deliver(self._run_span)
            from taximeter.recorder.manifest import tell_begin

            guard.guarded(tell_begin)(self.home, self._run_span.started_at)
        deliver(self._process_span())

    def beat(self) -> None:
        """Says anew that the process runs, with what was lost so far."""
        self.delivery()(self._process_span())

    def end(self, status: Status, error: str | None, staying: Sink | None = None) -> None:
        """Says how both have ended, and closes the home, but for sinks that are in use elsewhere."""
        deliver, process = self.delivery(), self._process
        if self.has_begun:
            deliver(_ended(self._process_span(), process, status, error))
        if self._run_span is not None:
            run_span = msgspec.structs.replace(self._run_span, event_id=(process.id, next(process.seq)))
            deliver(_ended(run_span, process, status, error))
            from taximeter.recorder.manifest import tell_end

            guard.guarded(tell_end)(self.home, status, process.utc(perf_counter()))
        self.home.close(staying)

    def in_child(self, process: Process) -> Part:
        """The part of a child that was just forked: a file of its own, and the run is its parent's."""
        home = self.home
        home.sink, home.lock = child_of(home.sink), None
        return Part(home, process, self.redact)

    def _process_span(self) -> SpanEvent:
        from taximeter.recorder.home import program

        process, scope = self._process, context.process_scope
        lost = Counter(guard.losses) + Counter(losses_of(self.home.sink)) + (truncated - self._truncated_before)
        return SpanEvent(
            (process.id, next(process.seq)),
            self.home.run_id,
            self._trace_id,
            process.span_id,
            "process",
            program(),
            process.utc(process.began),
            process.forked_from or process.parent.span_id or (self._run_span.span_id if self._run_span else None),
            stage_id=scope.stage_id,
            attempt=scope.attempt,
            shard=scope.shard,
            pid=process.pid,
            node=os.uname().nodename,
            wall_ms=(perf_counter() - process.began) * 1e3,
            cpu_ms=(process_time() - process.cpu_began) * 1e3,
            cpu_method="process",
            losses=dict(lost) or None,
            meta={**pid_space(), **({"reasons": dict(guard.reasons)} if guard.reasons else {})} or None,
        )


def _run_span(process: Process, run_id: str) -> SpanEvent:
    from taximeter import __version__

    machine, span_id = os.uname(), next(process.span_ids)
    return SpanEvent(
        (process.id, next(process.seq)),
        run_id,
        process.trace_prefix + span_id,
        span_id,
        "run",
        run_id,
        process.utc(perf_counter()),
        pid=process.pid,
        node=machine.nodename,
        meta={
            "python_version": sys.version.split()[0],
            "platform": f"{machine.sysname}-{machine.release}-{machine.machine}",
            "taximeter_version": __version__,
            "cpu_count": os.cpu_count(),
        },
    )


def _ended(span: SpanEvent, process: Process, status: Status, error: str | None) -> SpanEvent:
    span.ended_at = process.utc(perf_counter())
    span.wall_ms = (span.ended_at - span.started_at) * 1000
    span.ok, span.status, span.error = status == "done", status, error
    return span
