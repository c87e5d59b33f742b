"""The report as JSON, and back."""

from __future__ import annotations

import msgspec

from taximeter.numbers import to_json
from taximeter.report.records import RunInstrumentation


def render(report: RunInstrumentation) -> str:
    """Indented JSON; money as plain numbers with all their digits."""
    return msgspec.json.format(to_json(report), indent=2).decode() + "\n"


def parse(text: str) -> RunInstrumentation:
    """A report that `render` wrote, with the very same money; msgspec.DecodeError if it is none."""
    return msgspec.json.decode(text, type=RunInstrumentation)
