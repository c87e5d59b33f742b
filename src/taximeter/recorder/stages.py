"""The stages of a program: spans that name the stage for all inside."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from time import perf_counter, thread_time
from types import TracebackType

from taximeter.events import Event, SpanEvent
from taximeter.recorder.buckets import add_tokens
from taximeter.recorder.instance import RECORDER
from taximeter.recorder.spans import Span, twins

GOES_ON_IN = "goes_on_in"
"""The run in which a stage goes on, if its process begins another one: in the `meta` of the stage, by this name."""


class StageSpan(Span):
    """A span that names the stage for all inside, unless they have one already."""

    __slots__ = ("_opened_by",)

    def another(self) -> Span:
        """One like this."""
        return StageSpan(self.name, self._meta, self._encoded)

    def open(self, measures_cpu: bool) -> None:
        """Puts the span on the stack, and says that the stage has begun: who dies in a stage has been in it."""
        super().open(False)
        outer = self.scope
        is_stage = outer.stage_id is None
        self.scope = outer.with_(stage=self.name, stage_id=self.name if is_stage else outer.stage_id)
        if is_stage:
            self.kind = "stage"
            with RECORDER.staying():
                self._process.stages.add(self)
                RECORDER.emit(self._begun(RECORDER.run_id))
        self._opened_by = get_ident()
        self._cpu_began = thread_time() if measures_cpu else 0.0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        stage = self._innermost() if twins else self
        if stage._began:
            with RECORDER.staying():
                RECORDER.process.stages.discard(stage)
                Span.__exit__(stage, kind, error, traceback)

    def go_on(self, deliver: Callable[[Event], None], run_id: str) -> None:
        """Ends in the run that its process leaves, with what it took there, and begins in the one that comes now."""
        event = self._begun(run_id)
        now = perf_counter()
        event.ended_at, event.wall_ms = self._process.utc(now), (now - self._began) * 1e3
        event.ok, event.status, event.meta = True, "done", {**self._meta, GOES_ON_IN: RECORDER.run_id}
        if self._cpu_began and self._opened_by == get_ident():
            cpu = thread_time()
            event.cpu_ms, event.cpu_method = (cpu - self._cpu_began) * 1e3, "thread"
            self._cpu_began = cpu
        else:
            self._cpu_began = 0.0  # no other thread can read the clock of this one
        bucket, self._bucket = self._bucket, None
        if bucket is not None:
            add_tokens(event, bucket)
        deliver(event)
        self._began = now
        RECORDER.emit(self._begun(RECORDER.run_id))

    def _begun(self, run_id: str) -> SpanEvent:
        process, parent, scope = self._process, self.parent, self.scope
        return SpanEvent(
            event_id=(process.id, next(process.seq)),
            run_id=run_id,
            trace_id=self.trace_id,
            span_id=self.span_id,
            kind="stage",
            span=self.name,
            started_at=process.utc(self._began),
            parent_id=process.parent.span_id if parent is None else parent.span_id,
            parent_span=process.parent.name if parent is None else parent.name,
            stage=scope.stage,
            stage_id=scope.stage_id,
            session_id=scope.session_id,
            tags=scope.tags,
            pid=process.pid,
            meta=self._meta or None,
        )
