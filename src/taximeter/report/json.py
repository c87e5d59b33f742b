"""The report as JSON, and back."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec

from taximeter.numbers import to_json
from taximeter.report.schemas import RunInstrumentation


def render(report: RunInstrumentation) -> str:
    """Indented JSON; money as plain numbers with all their digits."""
    return msgspec.json.format(to_json(report.model_dump()), indent=2).decode() + "\n"


def parse(text: str) -> RunInstrumentation:
    """A report that `render` wrote, with the very same money; pydantic.ValidationError if it is none."""
    return RunInstrumentation.model_validate(json.loads(text, parse_float=Decimal))
