"""Writes lines into the window that a journal has open: all that every span goes through."""

from __future__ import annotations

from collections.abc import Callable

from taximeter.events import Event
from taximeter.journal.line import write_line, write_plain_line
from taximeter.journal.short import ShortSpan


class Pen:
    """Makes lines of events and puts them into a window; those that do not fit into it go the slow way."""

    def __init__(self, put: Callable[[bytes | bytearray], object], slowly: Callable[[bytes], None]) -> None:
        self.put = put
        """Writes one line into the window; ValueError if it does not fit."""

        self._slowly = slowly
        self._buffers: list[bytearray] = []
        """Who writes a line takes one, or makes one: no thread and no signal handler has that of another."""

    def append(self, event: Event) -> None:
        """Writes one event; safe from any thread and from a signal handler."""
        buffers = self._buffers
        try:
            line = buffers.pop()
        except IndexError:
            line = bytearray()
        write_line(event, line)
        try:
            self.put(line)
        except ValueError:
            self._slowly(bytes(line))
        buffers.append(line)

    def append_short(self, span: ShortSpan) -> None:
        """The same for a span in short: written out, since a call more would be a thirtieth of what a span takes."""
        buffers = self._buffers
        try:
            line = buffers.pop()
        except IndexError:
            line = bytearray()
        write_plain_line(span, line)
        try:
            self.put(line)
        except ValueError:
            self._slowly(bytes(line))
        buffers.append(line)
