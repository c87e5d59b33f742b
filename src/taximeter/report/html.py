"""The report as one HTML file that needs nothing else: no network, no server, no other file."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import msgspec

from taximeter import numbers
from taximeter.numbers import plain, to_json
from taximeter.report import records
from taximeter.report.attached import NOTHING, Attached
from taximeter.report.trust import trust

SCRIPTS = (
    *("dom", "words", "tip", "source", "baseline", "header", "lanes", "axis", "paint", "legend", "finer", "timeline"),
    *("paper", "places", "graph", "progress", "tables", "files", "pane", "grip", "configuration", "app"),
)
"""Files of the viewer, in the order in which they stand in the page."""

_CALLS_OF_A_STAGE = 20
_CALLS = 120
"""The file stays small however many calls the JSON lists."""


def render(report: records.RunInstrumentation, beside: Attached = NOTHING) -> str:
    """A page that shows the report and what stands beside it; foreign text is in it as data only."""
    style, script = _viewer()
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:"
    page, omitted = page_data(report, beside)
    footer = "All figures: instrumentation.json."
    if omitted:
        footer = f"{numbers.plural(omitted, 'call')} of the run have no row of their own here. {footer}"
    return Template(_read("page.html")).substitute(
        policy=escape(policy), style=style, script=script, footer=footer, data=script_data(page)
    )


def page_data(report: records.RunInstrumentation, beside: Attached = NOTHING) -> tuple[dict[str, Any], int]:
    """What the viewer is given, and how many calls are not listed in it one by one."""
    data: dict[str, Any] = plain(report)
    data["notes"] = trust(report)
    data |= msgspec.to_builtins(beside)
    room = max(1, min(_CALLS_OF_A_STAGE, _CALLS // max(len(report.stages), 1)))
    listed = 0
    for stage in data["stages"]:
        kept = stage["llm_calls"][:room]
        stage["llm_calls"] = [{name: value for name, value in call.items() if value is not None} for call in kept]
        stage["llm_calls_omitted"] = stage["llm_totals"]["calls"] - len(kept)
        listed += len(kept)
    return data, report.totals.calls - listed


def script_data(data: dict[str, Any]) -> str:
    """JSON that cannot end the script element it stands in."""
    return to_json(data).decode().replace("<", "\\u003c")


@cache
def _viewer() -> tuple[str, str]:
    script = "\n".join(_read(f"{name}.js") for name in SCRIPTS)
    return _read("style.css"), f'"use strict";\n{script}'


def _read(name: str) -> str:
    return files("taximeter.report").joinpath("viewer", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """A source of the policy: only this very text is obeyed."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
