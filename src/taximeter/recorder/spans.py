"""Timed regions: `with span(...)`, `with record_stage(...)`, and both as decorators."""

from __future__ import annotations

import sys
from collections.abc import Callable
from random import random
from threading import get_ident
from time import perf_counter, thread_time
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from taximeter.events import Event, SpanEvent, SpanKind, Status
from taximeter.journal.short import Origin, ShortSpan
from taximeter.recorder.buckets import TokenBucket, add_tokens
from taximeter.recorder.context import (
    CLOSED,
    GENERATOR,
    Node,
    current,
    live,
    not_closed,
    open_node,
    owner_of,
    scope_of,
    span_of,
)
from taximeter.recorder.guard import text, told
from taximeter.recorder.instance import RECORDER

F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S", bound="Span")
_COROUTINE = 0x80 | 0x100
"""Flags of the code of a coroutine (`inspect.CO_COROUTINE`, `CO_ITERABLE_COROUTINE`)."""

GOES_ON_IN = "goes_on_in"
"""The run in which a stage goes on, if its process begins another one: in the `meta` of the stage, by this name."""

_twins: set[Span] = set()
"""Spans that are open and stand for another one: see `Span._twin`."""

_SUSPENDS = GENERATOR | _COROUTINE
_getframe = sys._getframe
_new = object.__new__


class Span(Node):
    """A timed region: a context manager, and a decorator for functions of every kind.

    Works on sync and async functions, generators, async generators and methods. Exceptions pass through unchanged and
    the span says `failed` or `cancelled`. Where nobody records it does nothing.
    """

    __slots__ = (
        "_began",
        "_bucket",
        "_cpu_began",
        "_encoded",
        "_meta",
        "_process",
        "_twin_of",
        "kind",
        "name",
        "parent",
        "span_id",
        "trace_id",
    )

    name: str
    kind: SpanKind
    _began: float
    """On the monotonic clock; 0 while it is not open, and where nobody records."""

    _twin_of: Span
    """Of one that stands for another that is open already, and is entered again."""

    _meta: dict[str, Any]
    _encoded: msgspec.Raw | None
    """The same as JSON, if many spans have it."""

    _bucket: TokenBucket | None
    parent: Span | None
    """The span around it, in this process or in the one that was forked."""

    span_id: str
    trace_id: str

    def set(self, /, **meta: Any) -> None:
        """Adds what is known only now: `s.set(rows=len(rows))`."""
        self._meta, self._encoded = {**self._meta, **meta}, None

    def __call__(self, function: F) -> F:
        """The function, recorded by a span of its own at each call, if anybody records then."""
        from taximeter.recorder.decorators import decorated

        return decorated(function, type(self), self.name, self._meta)

    def __enter__(self) -> Self:
        if RECORDER.deliver is not None or RECORDER.settled():
            frame = _getframe(1)
            flags = frame.f_code.co_flags & _SUSPENDS
            span = self._twin() if self._began else self
            span.frame = owner_of(frame) if flags & GENERATOR else None
            span.open(not flags)
            return span
        return self

    def _twin(self) -> Self:
        """Another one like this, which is open already: around itself, or in another thread or task."""
        twin = made(type(self), self.name, self._meta, self._encoded)
        twin._twin_of = self
        _twins.add(twin)
        return twin

    def _innermost(self) -> Span:
        """Of the span and its twins the one that was opened last in this context."""
        node = current()
        while node is not None and node is not self and getattr(node, "_twin_of", None) is not self:
            node = node.previous
        return self if node is None else node  # type: ignore[return-value]

    def open(self, measures_cpu: bool) -> None:
        """Puts the span on the stack; `frame` is set."""
        recorder = RECORDER
        self._process = process = recorder.process
        self.kind = "span"
        self._bucket = None
        self.span_id = span_id = next(process.span_ids)
        self.previous = node = current()
        parent: Span | None = node  # type: ignore[assignment] # as it is, unless the node has a frame
        if node is not None and node.frame is not None:
            self.previous = node = not_closed(node)
            node = live(node)
            parent = span_of(node)
        self.parent = parent
        if parent is not None:
            self.trace_id = parent.trace_id
            self.scope = node.scope  # type: ignore[union-attr]
        else:
            self.trace_id = process.parent.trace_id or process.trace_prefix + span_id
            self.scope = scope_of(node)
            if recorder.options.sample < 1:
                self._sample(recorder.options.sample)
        if recorder.meter is not None and self._is_outermost():
            recorder.meter.opened()
        open_node(self)
        self._cpu_began = thread_time() if recorder.options.span_cpu and measures_cpu else 0.0
        self._began = perf_counter()

    def _is_outermost(self) -> bool:
        """Whether there is none around it in this process."""
        return self.parent is None or self.parent._process is not self._process

    def _sample(self, share: float) -> None:
        if random() >= share:
            self.scope = msgspec.structs.replace(self.scope, kept=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        ended = perf_counter()
        if _twins and (innermost := self._innermost()) is not self:
            _twins.discard(innermost)
            innermost.__exit__(kind, error, traceback)
            return
        began = self._began
        if not began:
            return  # nobody recorded when it was opened
        self._began = 0.0
        if current() is self:
            previous = self.previous
            open_node(previous if previous is None or previous.frame is None else not_closed(previous))
            if self.frame is not None:
                self.frame = CLOSED
        else:
            self.frame = CLOSED  # left before what was opened in it, or by another thread
        recorder, process = RECORDER, self._process
        if process is not recorder.process:
            return  # a forked child leaves a block that its parent has entered
        if recorder.meter is not None and self._is_outermost():
            recorder.meter.closed(self)
        deliver, scope, is_stage = recorder.deliver_short, self.scope, self.kind == "stage"
        if deliver is None or not (scope.kept or is_stage):
            return
        parent = self.parent
        short = ShortSpan(
            next(process.seq),
            self.trace_id,
            self.span_id,
            self.name,
            process.anchor + began,
            (ended - began) * 1e3,
            process.parent.span_id if parent is None else parent.span_id,
            process.parent.name if parent is None else parent.name,
            scope.stage,
            scope.stage_id,
            scope.session_id,
            scope.tags,
            self._encoded or self._meta or None,
        )
        if error is None and self._bucket is None and not self._cpu_began and not is_stage:
            deliver(short)
        else:
            recorder.emit(self._whole(short, error))
        if ended > recorder.beat_at:
            recorder.beat(ended)

    def _whole(self, short: ShortSpan, error: BaseException | None) -> SpanEvent:
        """With what few spans have: an error, tokens, CPU time."""
        process, scope = self._process, self.scope
        event = short.whole(Origin(process.id, RECORDER.run_id, process.pid, scope.attempt, scope.shard))
        event.kind = self.kind
        if self._cpu_began:
            event.cpu_ms = (thread_time() - self._cpu_began) * 1e3
            event.cpu_method = "thread"
        if error is not None:
            event.ok, event.status, event.error = False, _status(error), told(error)
        if self._bucket is not None:
            add_tokens(event, self._bucket)
        return event

    def bucket(self) -> TokenBucket | None:
        """Where calls inside the span are added up; None in a child that was forked inside it."""
        if self._process is not RECORDER.process:
            return None
        if self._bucket is None:
            self._bucket = TokenBucket()
        return self._bucket


class StageSpan(Span):
    """A span that names the stage for all inside, unless they have one already."""

    __slots__ = ("_thread",)

    def open(self, measures_cpu: bool) -> None:
        """Puts the span on the stack, and says that the stage has begun: who dies in a stage has been in it."""
        super().open(False)
        outer = self.scope
        is_stage = outer.stage_id is None
        self.scope = msgspec.structs.replace(outer, stage=self.name, stage_id=self.name if is_stage else outer.stage_id)
        if is_stage:
            self.kind = "stage"
            with RECORDER.staying():
                self._process.stages.add(self)
                RECORDER.emit(self._begun(RECORDER.run_id))
        self._thread = get_ident()
        self._cpu_began = thread_time() if measures_cpu else 0.0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        stage = self._innermost() if _twins else self
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
        if self._cpu_began and self._thread == get_ident():
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


def _status(error: BaseException) -> Status:
    """Whether a region that was left by this exception had failed, or was stopped from outside."""
    stopped = not isinstance(error, Exception) or type(error).__name__ == "CancelledError"
    return "cancelled" if stopped else "failed"


def made(kind: type[S], name: str, meta: dict[str, Any], encoded: msgspec.Raw | None = None) -> S:
    """A span of this kind; it would be dearer with an `__init__`."""
    span = _new(kind)
    span.name, span._meta, span._encoded, span._began = name, meta, encoded, 0.0
    return span


def _named(name: object) -> str:
    """A name that is no plain text, as text; TypeError for a function, which is what a bare `@span` hands over."""
    if callable(name):
        raise TypeError("a span has a name: write @span('embed'), or @record_stage('ingest'), above the function")
    return name if isinstance(name, str) else text(name)


def span(name: str, /, **meta: Any) -> Span:
    """A sub-span, `with span("embed", model="x") as s`, or `@span("embed")` on a function of any kind: see `Span`."""
    return made(Span, name if type(name) is str else _named(name), meta)


def record_stage(name: str, /, **meta: Any) -> StageSpan:
    """A root span of kind stage, `record_stage("ingest")`: what `span` is, and it names the stage for all inside.

    Inside a stage of a driver, or of another `record_stage`, the stage keeps its name and this is a span in it.
    """
    return made(StageSpan, name if type(name) is str else _named(name), meta)
