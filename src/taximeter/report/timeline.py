"""When calls and spans happened and how long they took, in the words of a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from taximeter.clock import iso
from taximeter.events import SpanEvent
from taximeter.ledger.callsums import CallSums
from taximeter.ledger.latency import Latencies
from taximeter.ledger.ledger import Ledger
from taximeter.ledger.moments import Moments
from taximeter.ledger.timeline import Bar, Timeline
from taximeter.report import records
from taximeter.report.waiting import waiting

_Place = tuple[str | None, str | None]
"""A stage and a process."""


def timeline_record(
    calls: Timeline, spans: Timeline, processes: Sequence[SpanEvent], started: float | None
) -> records.Timeline:
    """The bars as columns, in milliseconds since `started` (seconds since the epoch), or since the first bar."""
    bars, span_bars = calls.bars(), spans.bars()
    origin = started if started is not None else min((bar.start for bar in (*bars[:1], *span_bars[:1])), default=None)
    if origin is None:
        return records.Timeline(untimed_calls=calls.untimed)
    by_place: dict[_Place, list[Bar]] = {}
    for bar in bars:
        by_place.setdefault(_place(bar), []).append(bar)
    for bar in span_bars:
        by_place.setdefault(_place(bar), [])
    known = {span.event_id[0]: span for span in processes}
    lanes = {place: index for index, place in enumerate(by_place)}
    models = _numbered(bar.name for bar in bars)
    return records.Timeline(
        started_at=iso(origin),
        bin_seconds=calls.width,
        untimed_calls=calls.untimed,
        left_out_calls=calls.left_out,
        lanes=[_lane(place, asked, known.get(place[1] or ""), origin) for place, asked in by_place.items()],
        models=list(models),
        lane=[lanes[_place(bar)] for bar in bars],
        model=[models[bar.name] for bar in bars],
        attempt=[bar.attempt for bar in bars],
        start_ms=[round((bar.start - origin) * 1000) for bar in bars],
        end_ms=[round((bar.end - origin) * 1000) for bar in bars],
        busy_ms=[round(bar.busy * 1000) for bar in bars],
        calls=[bar.count for bar in bars],
        failed=[bar.failed for bar in bars],
        tokens=[bar.tokens for bar in bars],
        cost=[bar.cost for bar in bars],
        spans=_spans(span_bars, spans, lanes, origin),
    )


_SPANS = 0.3
"""Part of the bars that is kept for spans."""


def window_record(ledger: Ledger, started_at: str, start_ms: float, end_ms: float, most: int) -> records.Timeline:
    """What was under way in a part of the run, as at most `most` bars; times are milliseconds since `started_at`.

    Of a ledger that keeps moments; of another one the bars of the whole run.
    """
    origin = datetime.fromisoformat(started_at).timestamp()
    start, end = origin + start_ms / 1000, origin + end_ms / 1000
    calls, spans = ledger.calls.timeline, ledger.span_timeline
    if isinstance(calls, Moments) and isinstance(spans, Moments):
        most_spans = int(most * _SPANS)
        calls, spans = calls.between(start, end, most - most_spans), spans.between(start, end, most_spans)
    return timeline_record(calls, spans, ledger.processes(), origin)


def _spans(bars: list[Bar], spans: Timeline, lanes: dict[_Place, int], origin: float) -> records.SpanBars:
    names = _numbered(bar.name for bar in bars)
    return records.SpanBars(
        bin_seconds=spans.width,
        left_out=spans.left_out,
        names=list(names),
        lane=[lanes[_place(bar)] for bar in bars],
        name=[names[bar.name] for bar in bars],
        start_ms=[round((bar.start - origin) * 1000, 2) for bar in bars],
        end_ms=[round((bar.end - origin) * 1000, 2) for bar in bars],
        busy_ms=[round(bar.busy * 1000, 2) for bar in bars],
        cpu_ms=[None if bar.cpu is None else round(bar.cpu * 1000, 2) for bar in bars],
        count=[bar.count for bar in bars],
        failed=[bar.failed for bar in bars],
    )


def _place(bar: Bar) -> _Place:
    return bar.stage_id, bar.process


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: index for index, name in enumerate(dict.fromkeys(names))}


def _lane(place: _Place, calls: list[Bar], process: SpanEvent | None, origin: float) -> records.Lane:
    stage_id, name = place
    lane = records.Lane(stage_id=stage_id, process=name, waiting_seconds=waiting(calls) if calls else None)
    if process is None:
        return lane
    is_all_its_work = process.stage_id == stage_id and process.cpu_ms is not None
    ended = process.ended_at
    return msgspec.structs.replace(
        lane,
        pid=process.pid,
        node=process.node,
        start_ms=round((process.started_at - origin) * 1000),
        end_ms=None if ended is None else round((ended - origin) * 1000),
        cpu_seconds=(process.cpu_ms or 0.0) / 1000 if is_all_its_work else None,
    )


def latencies_of_stages(calls: CallSums) -> dict[str | None, records.Latency]:
    """How long the calls of each stage took, and how long it waited for them; stages without calls are not in it."""
    bars: dict[str | None, list[Bar]] = {}
    for bar in calls.timeline.bars():
        bars.setdefault(bar.stage_id, []).append(bar)
    return {
        stage_id: _latency(of.latencies, bars.get(stage_id, []), calls.timeline.width)
        for stage_id, of in calls.stages.items()
        if of.latencies.count
    }


def _latency(latencies: Latencies, bars: list[Bar], width: float) -> records.Latency:
    is_exact = not width and sum(bar.count for bar in bars) == latencies.count
    return records.Latency(
        calls=latencies.count,
        p50_ms=latencies.percentile(0.5),
        p95_ms=latencies.percentile(0.95),
        longest_ms=latencies.longest,
        total_ms=latencies.total,
        waiting_ms=waiting(bars) * 1000 if bars else None,
        waiting_method="missing" if not bars else "exact" if is_exact else "sampled",
    )
