"""Timed regions: what is done when one begins and when it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from random import random
from time import perf_counter, thread_time
from types import TracebackType
from typing import Any, Final, TypeVar, cast

import msgspec

from taximeter.events import SpanEvent, SpanKind, Status
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
from taximeter.recorder.guard import told
from taximeter.recorder.instance import RECORDER
from taximeter.recorder.state import State

F = TypeVar("F", bound=Callable[..., Any])
_COROUTINE: Final = 0x80 | 0x100
"""Flags of the code of a coroutine (`inspect.CO_COROUTINE`, `CO_ITERABLE_COROUTINE`)."""

twins: Final[set[Span]] = set()
"""Spans that are open and stand for another one: see `Span._twin`."""

_SUSPENDS: Final = GENERATOR | _COROUTINE
_getframe: Final = sys._getframe
_state: Final[State] = RECORDER
_clock: Final = perf_counter
_next: Final = next


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

    def __init__(self, name: str, meta: dict[str, Any], encoded: msgspec.Raw | None = None) -> None:
        self.name, self._meta, self._encoded, self._began = name, meta, encoded, 0.0

    def set(self, /, **meta: Any) -> None:
        """Adds what is known only now: `s.set(rows=len(rows))`."""
        self._meta, self._encoded = {**self._meta, **meta}, None

    def __call__(self, function: F) -> F:
        """The function, recorded by a span of its own at each call, if anybody records then."""
        from taximeter.recorder.decorators import decorated

        return decorated(function, self)

    def another(self) -> Span:
        """One like this."""
        return Span(self.name, self._meta, self._encoded)

    def around_call(self) -> Span:
        """One like this, open around a call of a plain function: `__exit__` is what ends it."""
        span = self.another()
        span.frame = None
        span.open(True)
        return span

    def __enter__(self) -> Span:
        if _state.deliver is not None or RECORDER.settled():
            frame = _getframe(_CALLER)
            flags = frame.f_code.co_flags & _SUSPENDS
            span = self._twin() if self._began else self
            span.frame = owner_of(frame) if flags & GENERATOR else None
            span.open(not flags)
            return span
        return self

    def _twin(self) -> Span:
        """Another one like this, which is open already: around itself, or in another thread or task."""
        twin = self.another()
        twin._twin_of = self
        twins.add(twin)
        return twin

    def _innermost(self) -> Span:
        """Of the span and its twins the one that was opened last in this context."""
        node = current()
        while node is not None and node is not self and getattr(node, "_twin_of", None) is not self:
            node = node.previous
        return self if node is None else node  # type: ignore[return-value]

    def open(self, measures_cpu: bool) -> None:
        """Puts the span on the stack; `frame` is set."""
        state = _state
        self._process = process = state.process
        self.kind = "span"
        self._bucket = None
        self.span_id = span_id = _next(process.span_ids)
        self.previous = node = current()
        if node is None:
            parent = None
        elif node.frame is None:
            parent = cast("Span", node)
        else:
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
            if state.sample < 1:
                self._sample(state.sample)
        if state.meter is not None and self._is_outermost():
            state.meter.opened()
        open_node(self)
        self._cpu_began = thread_time() if state.span_cpu and measures_cpu else 0.0
        self._began = _clock()

    def _is_outermost(self) -> bool:
        """Whether there is none around it in this process."""
        return self.parent is None or self.parent._process is not self._process

    def _sample(self, share: float) -> None:
        if random() >= share:
            self.scope = self.scope.with_(kept=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        ended = _clock()
        if twins and (innermost := self._innermost()) is not self:
            twins.discard(innermost)
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
        state, process = _state, self._process
        if process is not state.process:
            return  # a forked child leaves a block that its parent has entered
        if state.meter is not None and self._is_outermost():
            state.meter.closed(self)
        deliver, scope, is_stage = state.deliver_short, self.scope, self.kind == "stage"
        if deliver is None or not (scope.kept or is_stage):
            return
        parent = self.parent
        short = ShortSpan(
            _next(process.seq),
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
            RECORDER.emit(self._whole(short, error))
        if ended > state.beat_at:
            RECORDER.beat(ended)

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


_CALLER: Final = 1 if hasattr(Span.__enter__, "__code__") else 0
"""Where `sys._getframe` finds who calls a method of ours: a compiled one has no frame of its own."""


def _status(error: BaseException) -> Status:
    """Whether a region that was left by this exception had failed, or was stopped from outside."""
    stopped = not isinstance(error, Exception) or type(error).__name__ == "CancelledError"
    return "cancelled" if stopped else "failed"
