"""What is open in this context: the stack of spans and labels, and how it is carried to other threads."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from taximeter.recorder.labelling import Labels
    from taximeter.recorder.spans import Span

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., object])


class Scope:
    """What spans and calls of a place in a trace have in common, and those of many traces; is never changed."""

    __slots__ = ("attempt", "kept", "session_id", "shard", "stage", "stage_id", "tags")

    def __init__(
        self,
        stage: str | None = None,
        stage_id: str | None = None,
        attempt: int | None = None,
        shard: int | None = None,
        session_id: str | None = None,
        tags: dict[str, str] | None = None,
        kept: bool = True,
    ) -> None:
        self.stage = stage
        self.stage_id = stage_id
        self.attempt = attempt
        self.shard = shard
        self.session_id = session_id
        self.tags = tags
        self.kept = kept
        """Whether the spans of this trace are written: false for those that sampling leaves out."""

    def with_(self, **changes: Any) -> Scope:
        """The same but for these."""
        return Scope(**{name: getattr(self, name) for name in _FIELDS} | changes)


_FIELDS = ("stage", "stage_id", "attempt", "shard", "session_id", "tags", "kept")


class Mark:
    """Stands where a node of the stack would have the frame of a generator."""

    def __init__(self, f_back: object) -> None:
        self.f_back = f_back


CLOSED: Final = Mark(None)
"""A node that was opened in a generator and is closed: it may still lie in the stack."""

OPEN: Final = Mark(True)
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

    def __call__(self, function: F) -> F:
        """Only spans are called. Compiled, they lie in memory as other nodes do if those can be called as well."""
        raise TypeError(f"a {type(self).__name__} is no decorator")


class Labelled(Node):
    """Session and tags, for what happens in one context from now on."""

    __slots__ = ("labels", "span")

    labels: Labels
    span: Span | None
    """The innermost span around the labels."""


GENERATOR: Final = 0x20 | 0x200
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
current: Final = _stack.get
"""The innermost node, which may not count any more: see `live`."""

open_node: Final = _stack.set

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


def carry(function: Callable[P, R]) -> Callable[P, R]:
    """The function, to be called in another thread: what it records there hangs under the span that is open here.

    pool.submit(taximeter.carry(work), item)
    """
    context = contextvars.copy_context()

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)  # a copy, since one context cannot be entered twice

    return call
