"""What is open in this context: the stack of spans and labels, and how it is carried to other threads."""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

import msgspec

from taximeter.recorder.guard import text

if TYPE_CHECKING:
    from taximeter.recorder.spans import Span

P = ParamSpec("P")
R = TypeVar("R")


class Scope(msgspec.Struct, frozen=True, gc=False):
    """What spans and calls of a place in a trace have in common, and those of many traces."""

    stage: str | None = None
    stage_id: str | None = None
    attempt: int | None = None
    shard: int | None = None
    session_id: str | None = None
    tags: dict[str, str] | None = None
    kept: bool = True
    """Whether the spans of this trace are written: false for those that sampling leaves out."""


class Mark:
    """Stands where a node of the stack would have the frame of a generator."""

    def __init__(self, f_back: object) -> None:
        self.f_back = f_back


CLOSED = Mark(None)
"""A node that was opened in a generator and is closed: it may still lie in the stack."""

OPEN = Mark(True)
"""A node that counts until it is closed, as labels do."""


class Node:
    """One thing that is open: a span, or labels for what happens inside.

    A `ContextVar` that a generator sets stays set between its yields. So a node remembers the generator in which it was
    opened, and does not count while that generator is suspended, which is when its frame has nobody to return to.
    """

    __slots__ = ("frame", "previous", "scope")

    frame: FrameType | Mark | None
    """None for a span that was opened in a plain function: the common case, which needs no second look."""

    previous: Node | None
    """What was open in this context before."""

    scope: Scope


class Labelled(Node):
    """Session and tags, for what happens in one context from now on."""

    __slots__ = ("labels", "span")

    labels: Labels
    span: Span | None
    """The innermost span around the labels."""


class Labels:
    """Session and tags for what happens inside; the context manager behind `session` and `tags`.

    It may be entered again, also while it is entered, here or by others.
    """

    def __init__(self, changes: Callable[[Scope], Scope]) -> None:
        self._changes = changes

    def __enter__(self) -> Self:
        frame = sys._getframe(1)
        node = Labelled()
        node.labels = self
        node.previous = not_closed(current())
        around = live(node.previous)
        node.span = span_of(around)
        node.scope = self._changes(scope_of(around))
        node.frame = owner_of(frame) if frame.f_code.co_flags & GENERATOR else OPEN
        open_node(node)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        innermost = node = current()
        while node is not None and not (isinstance(node, Labelled) and node.labels is self):
            node = node.previous
        if node is not None:
            node.frame = CLOSED
            open_node(not_closed(innermost))


GENERATOR = 0x20 | 0x200
"""Flags of the code of a generator and of an async generator (`inspect.CO_GENERATOR`, `CO_ASYNC_GENERATOR`)."""

_ENTERING = frozenset({"__enter__", "__aenter__"})


def owner_of(generator: FrameType) -> FrameType | Mark:
    """What the frame of a node is that is opened in a generator.

    The generator itself, but for one that `contextlib` makes a context manager of: until that is left, its user is
    inside though the generator is suspended.
    """
    caller = generator.f_back
    enters = caller is not None and caller.f_code.co_name in _ENTERING and caller.f_globals["__name__"] == "contextlib"
    return OPEN if enters else generator


_stack: contextvars.ContextVar[Node | None] = contextvars.ContextVar("taximeter", default=None)
current = _stack.get
"""The innermost node, which may not count any more: see `live`."""

open_node = _stack.set

process_scope = Scope()
"""What holds where nothing is open; the recorder sets it."""


def not_closed(node: Node | None) -> Node | None:
    """The innermost node that is not closed for good, and may be of a generator that is suspended."""
    while node is not None and node.frame is CLOSED:
        node = node.previous
    return node


def live(node: Node | None) -> Node | None:
    """The innermost node that counts here; cuts out of the stack what is closed for good."""
    while node is not None and node.frame is not None and node.frame.f_back is None:
        node.previous = not_closed(node.previous)
        node = node.previous
    return node


def span_of(node: Node | None) -> Span | None:
    """The innermost span that is open at a live node."""
    return node.span if isinstance(node, Labelled) else node  # type: ignore[return-value]


def scope_of(node: Node | None) -> Scope:
    """What holds at a live node."""
    return process_scope if node is None else node.scope


def set_process_scope(scope: Scope) -> None:
    """Says what holds where nothing is open."""
    global process_scope  # noqa: PLW0603 - one process, one scope
    process_scope = scope


def session(session_id: str) -> Labels:
    """Names the session (a user's conversation, a job) of every span and call inside; a context manager."""
    name = text(session_id)
    return Labels(lambda scope: msgspec.structs.replace(scope, session_id=name))


def tags(**labels: str) -> Labels:
    """Adds labels to every span and call inside; a context manager."""
    added = {name: text(value) for name, value in labels.items()}
    return Labels(lambda scope: msgspec.structs.replace(scope, tags={**(scope.tags or {}), **added}))


def carry(function: Callable[P, R]) -> Callable[P, R]:
    """The function, to be called in another thread: what it records there hangs under the span that is open here.

    pool.submit(taximeter.carry(work), item)
    """
    context = contextvars.copy_context()

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)  # a copy, since one context cannot be entered twice

    return call
