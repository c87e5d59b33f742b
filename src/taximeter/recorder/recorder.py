"""The flight recorder of a process: what every span, call and program asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import msgspec

from taximeter.events import CallEvent, Event, SpanEvent
from taximeter.recorder import guard
from taximeter.recorder.sinks.sink import leaves
from taximeter.recorder.switch import Switch
from taximeter.redact import shown

if TYPE_CHECKING:
    from decimal import Decimal

    from taximeter.recorder.attribution import TokenService

_EVENTS = (SpanEvent, CallEvent)


class Recorder(Switch):
    """The recorder of this process; there is one, `get_recorder()` gives it. Off it costs a look at `deliver`."""

    # -- events -------------------------------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """Hands an event of your own to the sink; never raises: what goes wrong is counted, and what is no event."""
        if self.deliver is not None:
            if isinstance(event, _EVENTS):
                self.deliver(event)
            else:
                guard.rejected(f"an event is a SpanEvent or a CallEvent, not {shown(event)}")

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits up to `timeout` seconds until every event is where it shall be; whether it is."""
        return self._part.home.sink.flush(timeout) if self._part else True

    def get_all_events(self) -> list[dict[str, Any]]:
        """The events in the memory sink, if there is one, each with every field of its record."""
        for sink in leaves(self.sink) if self.sink else ():
            if (get_events := getattr(sink, "get_events", None)) is not None:
                return [_as_dict(event) for event in get_events()]
        return []

    def carrier(self) -> dict[str, str]:
        """Variables for the environment of a child process, so that what it records hangs under the open span.

        subprocess.run(command, env=os.environ | taximeter.get_recorder().carrier())
        """
        from taximeter.recorder.carrier import carrier

        return (self._part.home.exported if self._part else {}) | carrier(self.process)

    # -- tokens -------------------------------------------------------------------------------------------------------

    def attach(self, service: TokenService | None) -> Self:
        """Reads this service's cumulative counters (see `TokenService`) whenever an outermost span closes.

        None ends that. SetupError for what has none.
        """
        from taximeter.recorder.attribution import ServiceMeter

        with self.lock:
            self.meter = None if service is None else ServiceMeter(service)
        return self

    def snapshot_tokens(self) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """A handle on what was used up to now, for `finalize_tokens`; `{}` while the recorder is off."""
        from taximeter.recorder.attribution import snapshot

        return snapshot(self.service) if self.deliver is not None else {}

    def finalize_tokens(
        self, after: Mapping[str, Any], before: Mapping[str, Any]
    ) -> tuple[dict[str, int], dict[str, Decimal], str]:
        """Tokens, money and source of what was used between two handles; both are given back.

        KeyError for a model without a price.
        """
        from taximeter.recorder.attribution import finalize

        return finalize(after, before, self.sheet)


def _as_dict(event: Event) -> dict[str, Any]:
    return {
        "schema_version": type(event).__struct_config__.tag,
        "seq": event.event_id[1],
        **msgspec.structs.asdict(event),
    }
