"""One event as one line of JSON, whatever the measured program put into it."""

from __future__ import annotations

from collections import Counter

import msgspec

from taximeter.events import Event, SpanEvent
from taximeter.journal.fit import fit, without_payload

MAX_LINE = 256 << 10
"""An event that makes a longer line keeps its figures and loses its payload."""

truncated: Counter[str] = Counter()
"""How many events lost their payload in this process (and in its parent, before it was forked), as `truncated`."""

_encode = msgspec.json.Encoder().encode
_encode_into = msgspec.json.Encoder().encode_into
_encode_money = msgspec.json.Encoder(decimal_format="number").encode
_scan = msgspec.json.Decoder(msgspec.Raw).decode


def write_line(event: Event, buffer: bytearray) -> None:
    """Makes the buffer hold the line of the event, as `to_line` has it: half as dear as a new object each time."""
    if (event.cost_usd if isinstance(event, SpanEvent) else event.provider_cost) is None:
        try:
            _encode_into(event, buffer)
        except (TypeError, ValueError, RecursionError):
            buffer[:] = to_line(event)
            return
        if len(buffer) <= MAX_LINE:
            buffer += b"\n"
            return
    buffer[:] = to_line(event)


def to_line(event: Event) -> bytes:
    """The event as JSON with its newline; never raises for what a program can put into an event."""
    try:
        if (event.cost_usd if isinstance(event, SpanEvent) else event.provider_cost) is None:
            line = _encode(event)
        else:
            line = _json(event)
    except (TypeError, ValueError, RecursionError):  # a value that JSON does not have, a lone surrogate, a cycle
        event = fit(event)
        line = _json(event)
    if len(line) > MAX_LINE:
        truncated.update(truncated=1)
        line = _json(without_payload(event, line))
    return line + b"\n"


def _json(event: Event) -> bytes:
    money = event.cost_usd if isinstance(event, SpanEvent) else event.provider_cost
    if money is None:
        return _encode(event)
    line = _encode_money(event)
    _scan(line)  # as a number, a Decimal of the program's own may be NaN, or a key: no JSON
    return line
