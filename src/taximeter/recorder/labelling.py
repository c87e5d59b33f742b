"""Session and tags of what happens inside: `with session("user-42"), tags(team="x")`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

from taximeter.recorder.context import (
    CLOSED,
    GENERATOR,
    OPEN,
    Labelled,
    Scope,
    current,
    live,
    not_closed,
    open_node,
    owner_of,
    scope_of,
    span_of,
)
from taximeter.recorder.guard import text


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


def session(session_id: str) -> Labels:
    """Names the session (a user's conversation, a job) of every span and call inside; a context manager."""
    name = text(session_id)
    return Labels(lambda scope: scope.with_(session_id=name))


def tags(**labels: str) -> Labels:
    """Adds labels to every span and call inside; a context manager."""
    added = {name: text(value) for name, value in labels.items()}
    return Labels(lambda scope: scope.with_(tags={**(scope.tags or {}), **added}))
