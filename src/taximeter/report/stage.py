"""The figures of one stage, over all its attempts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import msgspec

from taximeter.clock import iso
from taximeter.events import UNDELIVERED, SpanEvent
from taximeter.ledger.figures import Figures
from taximeter.pricing.cost import rounded
from taximeter.recipe.plan import PlannedStage
from taximeter.report import records

ADDED = ("wall_seconds", "cpu_user_seconds", "cpu_system_seconds", "io_read_bytes", "io_write_bytes")
_AS_THEY_ARE = ("exit_code", "signal", "leftover_processes", "deaf_processes", "uncaptured")
LARGEST = ("max_rss_bytes", "peak_memory_bytes")
_OF_A_STAGE = ("status", "started_at", "ended_at", "exit_code", "signal", *ADDED, *LARGEST, "methods")


def attempt_record(
    span: SpanEvent, status: records.Status, figures: Figures | None, now: float | None
) -> records.StageAttempt:
    """One attempt; `now` (seconds since the epoch) is None if its driver is dead."""
    measured: dict[str, Any] = {}
    methods: dict[str, records.Figure] = dict.fromkeys((*ADDED, *LARGEST), "missing")
    if figures is not None:
        measured = {name: getattr(figures, name) for name in (*ADDED, *LARGEST, *_AS_THEY_ARE)}
        methods |= {name: figures.methods.get(name, "missing") for name in methods}
    if figures is None or (figures.state == "running" and now is not None):
        measured["wall_seconds"] = lasted(span, now)
        methods["wall_seconds"] = "missing" if measured["wall_seconds"] is None else "exact"
    log = (span.resources or {}).get("log_bytes")
    return records.StageAttempt(
        attempt=span.attempt or 1,
        status=status,
        started_at=iso(span.started_at),
        ended_at=None if span.ended_at is None else iso(span.ended_at),
        error=span.error,
        node=span.node,
        complete=not (span.losses or {}).get(UNDELIVERED),
        log_bytes=None if log is None else int(log),
        methods=_shared(tuple(methods.values())),
        **measured,
    )


def over_attempts(attempts: list[records.StageAttempt]) -> dict[str, Any]:
    """Times and bytes are added, peaks are the largest, and the last attempt decides how the stage ended."""
    first, last = attempts[0], attempts[-1]
    told = [*attempts[:-1], msgspec.structs.replace(last, last=True)]
    if first is last:
        return {name: getattr(last, name) for name in _OF_A_STAGE} | {"attempts": told}
    return {
        "status": last.status,
        "started_at": first.started_at,
        "ended_at": last.ended_at,
        "exit_code": last.exit_code,
        "signal": last.signal,
        **{name: known(sum, (getattr(a, name) for a in attempts)) for name in ADDED},
        **{name: known(max, (getattr(a, name) for a in attempts)) for name in LARGEST},
        "methods": _shared(tuple(_method([a.methods[name] for a in attempts]) for name in (*ADDED, *LARGEST))),
        "attempts": told,
    }


def former_stage(span: SpanEvent) -> PlannedStage:
    """A stage that an earlier plan had, as far as its span knows it."""
    return PlannedStage(
        index=0, id=span.stage_id or "", stage=span.stage or "", folder=span.folder or "", out="", command=()
    )


def per_thousand(items: int | None, wall: float | None, totals: records.Totals) -> records.PerThousandItems | None:
    """What 1,000 items took; None where there are none."""
    if not items:
        return None
    return records.PerThousandItems(
        wall_seconds=None if wall is None else 1000 * wall / items,
        tokens=1000 * (totals.prompt_tokens + totals.completion_tokens) / items,
        cost=None if totals.cost is None else rounded(totals.cost, 1000, items),
    )


def lasted(span: SpanEvent, now: float | None) -> float | None:
    """Seconds from its start to its end, or to now; None if nobody knows when it ended."""
    if span.wall_ms is not None:
        return span.wall_ms / 1000
    return None if now is None else max(now - span.started_at, 0.0)


def known(fold: Callable[[list[Any]], Any], figures: Iterable[float | None]) -> Any:
    """Folds the figures that are known; None if none is."""
    known = [figure for figure in figures if figure is not None]
    return fold(known) if known else None


@cache
def _shared(methods: tuple[records.Figure, ...]) -> dict[str, records.Figure]:
    """The methods of all figures, by their names: one map for thousands of stages that were measured alike."""
    return dict(zip((*ADDED, *LARGEST), methods, strict=True))


def _method(methods: list[records.Figure]) -> records.Figure:
    """How sure a figure is that was put together: partly missing means at least so much, which is what sampled says."""
    return methods[0] if len(set(methods)) == 1 else "sampled"
