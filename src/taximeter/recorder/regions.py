"""How a program asks for a timed region: `span(...)` and `record_stage(...)`."""

from __future__ import annotations

from typing import Any

from taximeter.recorder.guard import text
from taximeter.recorder.spans import Span
from taximeter.recorder.stages import StageSpan


def _named(name: object) -> str:
    """A name that is no plain text, as text; TypeError for a function, which is what a bare `@span` hands over."""
    if callable(name):
        raise TypeError("a span has a name: write @span('embed'), or @record_stage('ingest'), above the function")
    return name if isinstance(name, str) else text(name)


def span(name: str, /, **meta: Any) -> Span:
    """A sub-span, `with span("embed", model="x") as s`, or `@span("embed")` on a function of any kind: see `Span`."""
    return Span(name if type(name) is str else _named(name), meta)


def record_stage(name: str, /, **meta: Any) -> StageSpan:
    """A root span of kind stage, `record_stage("ingest")`: what `span` is, and it names the stage for all inside.

    Inside a stage of a driver, or of another `record_stage`, the stage keeps its name and this is a span in it.
    """
    return StageSpan(name if type(name) is str else _named(name), meta)
