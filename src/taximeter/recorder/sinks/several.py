"""Several sinks as one."""

from __future__ import annotations

import time
from collections import Counter

from taximeter.events import Event
from taximeter.recorder.guard import delivering, guarded
from taximeter.recorder.sinks.sink import Sink, begin_close, child_of, losses_of


class SeveralSinks:
    """Gives every event to each of its sinks; what goes wrong in one does not touch the others."""

    def __init__(self, sinks: tuple[Sink, ...]) -> None:
        self.hands_on_to = sinks
        self._emits = [delivering(sink.emit) for sink in sinks]

    def emit(self, event: Event) -> None:
        """Gives the event to each sink."""
        for emit in self._emits:
            emit(event)

    def flush(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds in all."""
        deadline = time.monotonic() + timeout
        out = [sink.flush(max(0.0, deadline - time.monotonic())) for sink in self.hands_on_to]  # all, whoever fails
        return all(out)

    def begin_close(self) -> None:
        """Lets each begin."""
        for sink in self.hands_on_to:
            guarded(begin_close)(sink)

    def close(self) -> None:
        """Closes each, in the time that the slowest needs."""
        self.begin_close()
        for sink in self.hands_on_to:
            guarded(sink.close)()

    def losses(self) -> dict[str, int]:
        """The losses of all of them, added up."""
        return dict(sum((Counter(losses_of(sink)) for sink in self.hands_on_to), Counter[str]()))

    def in_child(self) -> SeveralSinks:
        """The children of each."""
        return SeveralSinks(tuple(child_of(sink) for sink in self.hands_on_to))
