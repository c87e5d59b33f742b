"""Whether a line from the network is an event that everything behind the collector can live with."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

import msgspec

from taximeter.events import CallEvent, Event, SpanEvent
from taximeter.journal.line import MAX_LINE
from taximeter.journal.reader import UNREADABLE
from taximeter.rundir import safe_name
from taximeter.usage import MAX_TOKENS, believable_money

LONGEST_REASON = 200
OTLP = "otlp:"
"""What the names of processes begin with whose spans come as OTLP."""

_LATEST = 253_402_300_800.0
"""The year 10000, in seconds since the epoch: no calendar of Python's has it."""

_LONGEST_TIME = 1e13
"""Milliseconds: three centuries."""

_events = msgspec.json.Decoder(Event)
_moments_of_span = attrgetter("started_at", "ended_at")
_times_of_span = attrgetter("wall_ms", "cpu_ms")
_times_of_call = attrgetter("request_ms", "ttft_ms")
_counts_of_span = attrgetter("attempt", "shard", "pid", "items_in", "items_out")
_counts_of_call = attrgetter("attempt", "shard", "tries")


class UnfitError(Exception):
    """A line is no event that can be taken; `status` as if it had been sent alone."""

    def __init__(self, status: int, reason: str, event_id: tuple[str, int] | None = None) -> None:
        super().__init__(reason[:LONGEST_REASON])
        self.status = status
        self.event_id = event_id


def read_event(line: bytes) -> Event:
    """The event of a line; UnfitError, with the reason, if it is none or says what cannot be."""
    if len(line) > MAX_LINE:
        raise UnfitError(413, f"the event has {len(line)} bytes, more than {MAX_LINE}")
    try:
        event: Event = _events.decode(line)
    except UNREADABLE as error:
        raise UnfitError(400, str(error)) from None
    if not line.isascii():  # msgspec passes over the text of fields that it does not know
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise UnfitError(400, str(error)) from None
    doubt = doubt_of(event)
    if doubt is not None:
        process, seq = event.event_id
        raise UnfitError(400, doubt, (process[:LONGEST_REASON], seq) if abs(seq) <= MAX_TOKENS else None)
    return event


def doubt_of(event: Event) -> str | None:
    """What no reader of the run directory could make sense of, in words; None if there is nothing."""
    process, seq = event.event_id
    if not event.run_id:
        return "run_id is missing: there is no run to which it belongs"
    if not process:
        return "event_id names no process"
    if process.startswith(OTLP):
        return f"event_id names a process that begins with {OTLP}, as only those do that send OTLP"
    if not 0 <= seq <= MAX_TOKENS:
        return "the number in event_id is below 0 or too large"
    if isinstance(event, SpanEvent):
        return _doubt_of_span(event)
    return _doubt_of_call(event)


def _doubt_of_span(span: SpanEvent) -> str | None:
    doubt = _times(_moments_of_span(span), _times_of_span(span)) or _counts(_counts_of_span(span))
    if doubt is not None:
        return doubt
    if span.tokens and (doubt := _counts(span.tokens.values())):
        return doubt
    if span.losses and (doubt := _counts(span.losses.values())):
        return doubt
    if span.cost_usd and any(believable_money(amount) is None for amount in span.cost_usd.values()):
        return "cost_usd is no amount of money"
    if span.folder is not None and safe_name(span.folder) != span.folder:
        return "folder is not the plain name of a folder"
    return None


def _doubt_of_call(call: CallEvent) -> str | None:
    doubt = _times((call.started_at,), _times_of_call(call)) or _counts(_counts_of_call(call))
    if doubt is None and call.provider_cost is not None and believable_money(call.provider_cost) is None:
        return "provider_cost is no amount of money"
    return doubt


def _times(moments: Iterable[float | None], times: Iterable[float | None]) -> str | None:
    for moment in moments:
        if moment is not None and not 0 <= moment < _LATEST:
            return f"{moment} is no time in seconds since the epoch"
    for time in times:
        if time is not None and not 0 <= time <= _LONGEST_TIME:
            return f"{time} is no time in milliseconds"
    return None


def _counts(counts: Iterable[int | None]) -> str | None:
    for count in counts:
        if count is not None and not 0 <= count <= MAX_TOKENS:
            return "a count is below 0 or too large"
    return None
