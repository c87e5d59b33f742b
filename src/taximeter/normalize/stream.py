"""From the events of a streamed response to its readings.

Counts in a stream are cumulative, whoever the provider is: a later one replaces an earlier one, and is never added.
A stream that was cut before it told its usage has none; that is missing, not 0.
"""

from __future__ import annotations

import msgspec

from taximeter.normalize.fields import fields
from taximeter.normalize.read import sdk_provider
from taximeter.normalize.reading import Reading
from taximeter.normalize.stories import Story, begin

_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_DONE = b"[DONE]"


class StreamReader:
    """Takes the events of one response, and keeps nothing of them but what is to be read in the end.

    An event is an object of an SDK, a dict, or the data of a server-sent event. One that nobody here knows is passed
    over.
    """

    def __init__(self, provider: str | None = None) -> None:
        self._provider = provider
        self._story: Story | None = None
        self.unreadable = 0
        """Data that was no JSON."""

    @property
    def ended(self) -> bool:
        """Whether the provider said that this was all."""
        return self._story is not None and self._story.ended

    def take(self, event: object) -> None:
        """One more event."""
        given = fields(event)
        if self._story is None:
            self._story = begin(given)
            self._provider = self._provider or sdk_provider(event)
        if self._story is not None:
            self._story.take(given)

    def take_data(self, data: bytes) -> None:
        """One more event, as the data of a server-sent event."""
        if data.strip() == _DONE:
            if self._story is not None:
                self._story.ended = True
            return
        try:
            event = msgspec.json.decode(data)
        except _NOT_JSON:
            self.unreadable += 1
            return
        self.take(event)

    def continues(self, event: object) -> bool:
        """Whether an event may be of this response, and does not begin another one."""
        return self._story is None or not self._story.is_other(fields(event))

    def readings(self) -> tuple[Reading, ...]:
        """What the events told; a `cut` reading without any count if they told nothing.

        RejectedUsageError if a figure cannot be true.
        """
        if self._story is None:
            return (Reading(provider=self._provider, status="cut"),)
        readings = self._story.readings(self._provider)
        if self.ended:
            return readings
        return tuple(msgspec.structs.replace(reading, status="cut") for reading in readings)
