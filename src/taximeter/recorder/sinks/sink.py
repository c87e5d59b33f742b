"""Where events go: the seam between the recorder and every place that keeps what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

from taximeter.events import Event
from taximeter.journal.short import ShortSpan


class Sink(Protocol):
    """Takes events from any thread; may raise, the recorder's guard counts it."""

    def emit(self, event: Event) -> None:
        """Takes one event, without waiting for anything slow."""
        ...

    def flush(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds; True if every event is where it shall be."""
        ...

    def close(self) -> None:
        """Hands over what is left and lets go of everything; takes no event after that."""
        ...


@runtime_checkable
class ForkSink(Protocol):
    """A sink that cannot be shared with a forked child."""

    def in_child(self) -> Sink:
        """The child's own sink: called in the child, whose only thread it is, so it never waits for a lock."""
        ...


@runtime_checkable
class LossySink(Protocol):
    """A sink that may have to let events go, and counts them."""

    def losses(self) -> dict[str, int]:
        """What was lost so far in this process, by cause, as in `SpanEvent.losses`; empty if nothing was."""
        ...


@runtime_checkable
class SlowSink(Protocol):
    """A sink that may need a moment to close."""

    def begin_close(self) -> None:
        """Begins to close and does not wait: where there are several, their moments pass together."""
        ...


@runtime_checkable
class ShortSink(Protocol):
    """A sink that keeps what a process says of all its spans, and takes the rest of each."""

    def short_of(self, process_id: str) -> Callable[[ShortSpan], None] | None:
        """Takes the spans of this process in short; None if the sink does not have the span of the process."""
        ...


@runtime_checkable
class NestedSink(Protocol):
    """A sink that hands its events on."""

    @property
    def hands_on_to(self) -> tuple[Sink, ...]:
        """The sinks that get them."""
        ...


def leaves(sink: Sink) -> Iterator[Sink]:
    """The sinks at which the events of this one end."""
    if isinstance(sink, NestedSink):
        for one in sink.hands_on_to:
            yield from leaves(one)
    else:
        yield sink


def is_within(sink: Sink, other: Sink | None) -> bool:
    """Whether events of the other one end at this very sink."""
    return other is not None and any(leaf is sink for leaf in leaves(other))


def begin_close(sink: Sink) -> None:
    """Lets a sink begin to close, if it may need a moment."""
    if isinstance(sink, SlowSink):
        sink.begin_close()


def child_of(sink: Sink) -> Sink:
    """The sink that a forked child writes to in place of this one."""
    return sink.in_child() if isinstance(sink, ForkSink) else sink


def short_of(sink: Sink, process_id: str) -> Callable[[ShortSpan], None] | None:
    """How a sink takes the spans of this process in short, if it does."""
    return sink.short_of(process_id) if isinstance(sink, ShortSink) else None


def losses_of(sink: Sink) -> dict[str, int]:
    """What a sink has lost so far."""
    return sink.losses() if isinstance(sink, LossySink) else {}
