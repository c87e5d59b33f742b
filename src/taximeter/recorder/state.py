"""What every span asks the recorder for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from taximeter.events import Event
from taximeter.journal.short import ShortSpan
from taximeter.recorder.options import Options
from taximeter.recorder.process import Process, RemoteParent

if TYPE_CHECKING:
    from taximeter.recorder.attribution import ServiceMeter

T = TypeVar("T")
try:
    from mypy_extensions import mypyc_attr
except ImportError:  # what it says is for the compiler alone

    def mypyc_attr(*attrs: str, **kwattrs: object) -> Callable[[T], T]:  # noqa: ARG001
        return lambda kind: kind


@mypyc_attr(allow_interpreted_subclasses=True)
class State:
    """The part of the recorder that spans look at: compiled, they find it without a look-up."""

    def __init__(self) -> None:
        self.deliver: Callable[[Event], None] | None = None
        """Hands one event to the sink, and never raises; None while the recorder is off."""

        self.deliver_short: Callable[[ShortSpan], None] | None = None
        """The same for a span that is done."""

        self.process = Process(RemoteParent())
        self.take(Options())
        self.meter: ServiceMeter | None = None
        """Reads the counters of the service that is attached."""

        self.beat_at = 0.0
        """When the span of the process is to be written anew, on the clock of `perf_counter`."""

    def take(self, options: Options) -> None:
        """Holds to these options from now on."""
        self.options = options
        self.sample, self.span_cpu = options.sample, options.span_cpu
