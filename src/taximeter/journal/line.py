"""One event as one line of JSON, whatever the measured program put into it."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from taximeter.events import CallEvent, Event, SpanEvent
from taximeter.journal.fit import fit, without_payload
from taximeter.journal.short import ShortSpan

MAX_LINE: Final = 256 << 10
"""An event that makes a longer line keeps its figures and loses its payload."""

truncated: Counter[str] = Counter()
"""How many events lost their payload in this process (and in its parent, before it was forked), as `truncated`."""

_encode = msgspec.json.Encoder().encode
_encode_into: Final = msgspec.json.Encoder().encode_into
_encode_money = msgspec.json.Encoder(decimal_format="number").encode
_scan = msgspec.json.Decoder(msgspec.Raw).decode


def write_line(event: Event, buffer: bytearray) -> None:
    """Makes the buffer hold the line of the event, as `to_line` has it: half as dear as a new object each time."""
    if _money(event) is None:
        write_plain_line(event, buffer)
    else:
        buffer[:] = to_line(event)


def write_plain_line(record: Event | ShortSpan, buffer: bytearray) -> None:
    """The same for a record without money."""
    try:
        _encode_into(record, buffer)
    except (TypeError, ValueError, RecursionError):
        buffer[:] = to_line(record)
        return
    if len(buffer) <= MAX_LINE:
        buffer += b"\n"
    else:
        buffer[:] = to_line(record)


def to_line(record: Event | ShortSpan) -> bytes:
    """The record as JSON with its newline; never raises for what a program can put into it."""
    try:
        line = _json(record)
    except (TypeError, ValueError, RecursionError):  # a value that JSON does not have, a lone surrogate, a cycle
        record = fit(record)
        line = _json(record)
    if len(line) > MAX_LINE:
        truncated.update(truncated=1)
        line = _json(without_payload(record, line))
    return line + b"\n"


def _json(record: Event | ShortSpan) -> bytes:
    if _money(record) is None:
        return _encode(record)
    line = _encode_money(record)
    _scan(line)  # as a number, a Decimal of the program's own may be NaN, or a key: no JSON
    return line


def _money(record: Event | ShortSpan) -> object:
    match record:
        case SpanEvent():
            return record.cost_usd
        case CallEvent():
            return record.provider_cost
        case ShortSpan():
            return None
