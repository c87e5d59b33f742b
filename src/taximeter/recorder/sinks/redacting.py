"""The last word before an event leaves the process: what a person does not want to be kept."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from taximeter.events import CallEvent, Event, SpanEvent
from taximeter.recorder.sinks.sink import Sink, begin_close, child_of, losses_of
from taximeter.redact import shown

Redact = Callable[[Event], Event | None]
"""Gives the event that may be kept: the same, a changed one, or None for none."""


class RedactingSink:
    """Shows every event to a hook before any sink sees it.

    If the hook raises, or gives what is no event, the event's figures are kept and all its free text is not: neither
    `meta`, `tags` nor `error`. The exception goes on to the recorder's guard, which counts it.
    """

    def __init__(self, sink: Sink, redact: Redact) -> None:
        self._sink = sink
        self._redact = redact

    def emit(self, event: Event) -> None:
        """Hands on what the hook gives."""
        try:
            kept = self._redact(event)
            if not isinstance(kept, SpanEvent | CallEvent | None):
                raise TypeError(f"the redact hook must give an event or None, not {shown(kept)}")
        except Exception:
            self._sink.emit(_bare(event))
            raise
        if kept is not None:
            self._sink.emit(kept)

    def flush(self, timeout: float) -> bool:
        """What the sink says."""
        return self._sink.flush(timeout)

    def begin_close(self) -> None:
        """Lets the sink begin."""
        begin_close(self._sink)

    def close(self) -> None:
        """Closes the sink."""
        self._sink.close()

    def losses(self) -> dict[str, int]:
        """The sink's."""
        return losses_of(self._sink)

    def in_child(self) -> RedactingSink:
        """The same hook before the sink of the child."""
        return RedactingSink(child_of(self._sink), self._redact)


def _bare(event: Event) -> Event:
    texts = ("meta", "tags", "error")
    return msgspec.structs.replace(event, **{name: None for name in texts if name in event.__struct_fields__})
