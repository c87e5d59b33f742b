"""The report as one HTML file that needs nothing else: no network, no server, no other file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from taximeter import numbers
from taximeter.numbers import plain, to_json
from taximeter.report import records
from taximeter.report.attached import NOTHING, Attached
from taximeter.report.json import stage_json
from taximeter.report.trust import trust

SCRIPTS = (
    *("dom", "words", "tip", "source", "baseline", "header", "lanes", "shards", "axis", "paint", "legend", "finer"),
    *("timeline", "paper", "places", "graph", "progress", "tables", "files", "pane", "grip", "configuration", "app"),
)
"""Files of the viewer, in the order in which they stand in the page."""

_CALLS_OF_A_STAGE = 20
_CALLS = 120
"""The file stays small however many calls the JSON lists."""

_SHARDS = 1_000
"""Of a stage; the JSON lists all."""

_OF_A_SHARD = (
    *("shard", "status", "started_at", "ended_at", "items_out", "straggler"),
    *("wall_seconds", "cpu_user_seconds", "cpu_system_seconds"),
)
_OF_A_TRY = ("attempt", "status", "started_at", "ended_at")

_VIEWER = Path(__file__).parent / "viewer"


def render(report: records.RunInstrumentation, beside: Attached = NOTHING) -> str:
    """A page that shows the report and what stands beside it; foreign text is in it as data only."""
    return b"".join(parts(report, beside)).decode()


def parts(report: records.RunInstrumentation, beside: Attached = NOTHING) -> Iterator[bytes]:
    """The same in parts, a stage each: of many stages it is never whole in memory."""
    style, script = viewer()
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:"
    room = _room(report)
    omitted = report.totals.calls - sum(min(len(stage.llm_calls), room) for stage in report.stages)
    footer = "All figures: instrumentation.json."
    if omitted:
        footer = f"{numbers.plural(omitted, 'call')} of the run have no row of their own here. {footer}"
    head, _, tail = _read("page.html").partition("$data")
    yield head.replace("$policy", policy).replace("$footer", footer).replace("$style", style).encode()
    for part in _data(report, beside):
        yield part.replace(b"<", b"\\u003c")  # JSON that cannot end the script element it stands in
    yield tail.replace("$script", script).encode()


def page_data(report: records.RunInstrumentation, beside: Attached = NOTHING) -> dict[str, Any]:
    """What the viewer is given."""
    room = _room(report)
    data: dict[str, Any] = {name: getattr(report, name) for name in report.__struct_fields__}
    data |= {"stages": [_stage(stage, room) for stage in report.stages], "notes": trust(report)}
    shown: dict[str, Any] = plain(data | msgspec.structs.asdict(beside))
    return shown


def _data(report: records.RunInstrumentation, beside: Attached) -> Iterator[bytes]:
    before, room = b"{", _room(report)
    for name in report.__struct_fields__:
        yield b'%b"%b":' % (before, name.encode())
        if name == "stages":
            yield from _stages(report.stages, room)
        else:
            yield to_json(getattr(report, name))
        before = b","
    yield b',"notes":%b,%b' % (msgspec.json.encode(trust(report)), msgspec.json.encode(beside)[1:])


def _stages(stages: list[records.StageInstrumentation], room: int) -> Iterator[bytes]:
    before = b"["
    for stage in stages:
        has_more = stage.llm_totals.calls or stage.shards
        yield before + (to_json(_stage(stage, room)) if has_more else stage_json(stage))
        before = b","
    yield b"]" if stages else b"[]"


def _stage(stage: records.StageInstrumentation, room: int) -> dict[str, Any]:
    """A stage with the first of its calls, and of these only what is known."""
    data: dict[str, Any] = plain(msgspec.structs.replace(stage, shards=[]))
    kept = data["llm_calls"][:room]
    data["llm_calls"] = [{name: value for name, value in call.items() if value is not None} for call in kept]
    data["llm_calls_omitted"] = data["llm_totals"]["calls"] - len(kept)
    if stage.shards:
        data["shards"] = [_shard(shard) for shard in stage.shards[:_SHARDS]]
        data["shards_omitted"] = len(stage.shards) - len(data["shards"])
    return data


def _shard(shard: records.ShardInstrumentation) -> dict[str, Any]:
    """What of a shard is drawn."""
    totals = shard.llm_totals
    tries = [{name: getattr(attempt, name) for name in _OF_A_TRY} for attempt in shard.attempts]
    return {
        **{name: getattr(shard, name) for name in _OF_A_SHARD},
        "calls": totals.calls,
        "cost": totals.cost,
        "cost_status": totals.cost_status,
        "attempts": tries,
    }


def _room(report: records.RunInstrumentation) -> int:
    """How many calls of each stage are listed."""
    return max(1, min(_CALLS_OF_A_STAGE, _CALLS // max(len(report.stages), 1)))


@cache
def viewer() -> tuple[str, str]:
    """The style and the program of the page."""
    script = "\n".join(_read(f"{name}.js") for name in SCRIPTS)
    return _read("style.css"), f'"use strict";\n{script}'


def _read(name: str) -> str:
    return (_VIEWER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """A source of the policy: only this very text is obeyed."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
