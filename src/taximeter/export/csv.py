"""Calls as CSV (RFC 4180): one row a call."""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import Any, TextIO

from taximeter.events import CallEvent, SpanEvent
from taximeter.export.rows import COLUMNS, call_row
from taximeter.numbers import exact
from taximeter.pricing.cost import Cost


class CsvCalls:
    """Writes a header, and each call as it comes. What is not known is an empty field."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file)
        self._writer.writerow(COLUMNS)

    def call(self, call: CallEvent, cost: Cost) -> None:
        """Writes a row."""
        self._writer.writerow(map(field, call_row(call, cost).values()))

    def span(self, span: SpanEvent) -> None:
        """Spans have no row: only calls are paid for."""


def field(value: Any) -> Any:
    """A value as a field: money with all its digits, and no text that a spreadsheet would take for a formula."""
    if isinstance(value, Decimal):
        return exact(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value[:1] in "=+-@\t\r":
        return f"'{value}"
    return value
