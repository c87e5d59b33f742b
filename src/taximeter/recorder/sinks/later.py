"""The sink of a forked child, made when the child says something: most children never do."""

from __future__ import annotations

import threading
from collections.abc import Callable

from taximeter.events import Event
from taximeter.journal.short import ShortSpan
from taximeter.recorder.sinks.sink import Sink, begin_close, child_of, losses_of, short_of


class LaterSink:
    """A sink that is made for the first event."""

    emit: Callable[[Event], None]
    """Takes one event; from the second on it is the made sink's own."""

    def __init__(self, make: Callable[[], Sink]) -> None:
        self._make = make
        self._made: Sink | None = None
        self._lock = threading.RLock()
        self.emit = self._emit_first

    def _emit_first(self, event: Event) -> None:
        with self._lock:
            if self._made is None:
                self._made = self._make()
                self.emit = self._made.emit
        self._made.emit(event)

    @property
    def hands_on_to(self) -> tuple[Sink, ...]:
        """The made sink, if there is one."""
        return () if self._made is None else (self._made,)

    def short_of(self, process_id: str) -> Callable[[ShortSpan], None] | None:
        """What the made sink says."""
        return short_of(self._made, process_id) if self._made else None

    def flush(self, timeout: float) -> bool:
        """What the made sink says; True before there is one."""
        return self._made is None or self._made.flush(timeout)

    def begin_close(self) -> None:
        """Lets the made sink begin."""
        if self._made:
            begin_close(self._made)

    def close(self) -> None:
        """Closes the made sink."""
        if self._made:
            self._made.close()

    def losses(self) -> dict[str, int]:
        """The losses of the made sink."""
        return losses_of(self._made) if self._made else {}

    def in_child(self) -> Sink:
        """The child of what is made, or another that waits for its first event."""
        return child_of(self._made) if self._made else LaterSink(self._make)
