"""Events kept in memory: for tests, notebooks and programs that look at themselves."""

from __future__ import annotations

import threading
from collections import deque

from taximeter.events import Event


class MemorySink:
    """Keeps events; with a capacity only the last ones, and counts what it let go."""

    def __init__(self, capacity: int | None = None) -> None:
        self._events: deque[Event] = deque(maxlen=capacity)
        self._taken = 0
        self._lock = threading.RLock()  # re-entrant: a signal handler may record, too

    def emit(self, event: Event) -> None:
        """Keeps one event; the oldest goes if there is no room."""
        with self._lock:
            self._taken += 1
            self._events.append(event)

    def get_events(self) -> list[Event]:
        """The events that are kept, the oldest first."""
        with self._lock:
            return list(self._events)

    def flush(self, timeout: float) -> bool:
        """True: nothing is on its way."""
        return True

    def close(self) -> None:
        """Keeps what it has: it can be read after the recorder is off."""

    def losses(self) -> dict[str, int]:
        """How many events had to go, as `dropped`."""
        with self._lock:
            dropped = self._taken - len(self._events)
        return {"dropped": dropped} if dropped else {}

    def in_child(self) -> MemorySink:
        """An empty one: what the parent said is not the child's."""
        return MemorySink(self._events.maxlen)
