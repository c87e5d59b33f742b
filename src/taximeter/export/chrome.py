"""A run as a Chrome trace, which opens in Perfetto (ui.perfetto.dev), chrome://tracing and speedscope.

The format: "Trace Event Format" (Google, 2016): complete events (`X`), counters (`C`), metadata (`M`); times in
microseconds, here since the run began. Each process of the run is one of the trace; events of a lane never overlap
unless they are nested, as the format demands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TextIO

import msgspec

from taximeter.events import CallEvent, SpanEvent
from taximeter.numbers import to_json
from taximeter.pricing.cost import EXACT, Cost

_RUN = 1
"""Number of the process that stands for the run: its stages, and the counters."""

_FIRST_STAGE = 2


class _Bar(msgspec.Struct, frozen=True):
    start: float
    """Seconds since the epoch."""

    seconds: float
    name: str
    category: str
    args: dict[str, Any]
    id: str | None = None
    parent: str | None = None
    """The bar that it is drawn inside of."""


class ChromeTrace:
    """Takes a run, and writes it as a trace. It has to hold all of it, since lanes are found in the order of time."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._stages: dict[str | None, list[_Bar]] = defaultdict(list)
        """Bars inside of stages, by the id of the stage."""

        self._attempts: list[_Bar] = []
        self._run: list[_Bar] = []
        self._spend: list[tuple[float, int, Decimal]] = []
        """End, tokens and cost of each call."""

        self._memory: list[tuple[float, int]] = []
        """When the peak of a stage begins to count, and when it ends to."""

    def call(self, call: CallEvent, cost: Cost) -> None:
        """Takes a call as a bar of its stage."""
        if call.started_at is None:
            return
        seconds = (call.request_ms or 0.0) / 1000
        usage = call.usage
        args = {
            "model": call.model,
            "provider": call.provider,
            "status": call.status,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cost": cost.amount,
            "cost_status": cost.status,
        }
        self._stages[call.stage_id].append(
            _Bar(call.started_at, seconds, call.model, call.kind, _known(args), parent=call.span_id)
        )
        tokens = 0 if call.cached else (usage.input_tokens or 0) + (usage.output_tokens or 0)
        self._spend.append((call.started_at + seconds, tokens, cost.amount or Decimal(0)))

    def span(self, span: SpanEvent) -> None:
        """Takes a span that has ended; processes are told by their stages."""
        if span.ended_at is None or span.kind == "process":
            return
        seconds = (span.wall_ms or 0.0) / 1000
        args = _known({"status": span.status, "error": span.error, "attempt": span.attempt, "cpu_ms": span.cpu_ms})
        bar = _Bar(span.started_at, seconds, span.span, span.kind, args, span.span_id, span.parent_id)
        if span.kind == "run":
            self._run.append(bar)
        elif span.kind == "stage":
            self._attempts.append(bar)
            if peak := (span.resources or {}).get("peak_memory_bytes"):
                self._memory += [(span.started_at, int(peak)), (span.ended_at, -int(peak))]
        else:
            self._stages[span.stage_id].append(bar)

    def write(self, file: TextIO) -> None:
        """Writes the trace as one object of JSON, an event a line."""
        bars = [*self._run, *self._attempts, *(bar for inside in self._stages.values() for bar in inside)]
        origin = min((bar.start for bar in bars), default=0.0)
        file.write('{"displayTimeUnit":"ms","otherData":')
        file.write(to_json({"run_id": self._run_id, "started_at": origin}).decode())
        file.write(',"traceEvents":[')
        for number, event in enumerate(self._events(origin)):
            file.write((",\n" if number else "\n") + to_json(event).decode())
        file.write("\n]}\n")

    def _events(self, origin: float) -> Iterator[dict[str, Any]]:
        yield from _names(_RUN, f"run {self._run_id}", 0)
        yield from _bars(_RUN, [*self._run, *self._attempts], origin)
        for pid, stage_id in enumerate(self._stages, _FIRST_STAGE):
            yield from _names(pid, "(outside stages)" if stage_id is None else f"stage {stage_id}", pid)
            yield from _bars(pid, self._stages[stage_id], origin)
        yield from self._counters(origin)

    def _counters(self, origin: float) -> Iterator[dict[str, Any]]:
        tokens, money, memory = 0, Decimal(0), 0
        for moment, used, cost in sorted(self._spend, key=lambda spent: spent[0]):
            tokens, money = tokens + used, EXACT.add(money, cost)
            yield _counter("tokens", moment, origin, tokens)
            yield _counter("cost", moment, origin, money)
        for moment, change in sorted(self._memory):
            memory += change
            yield _counter("peak memory of running stages, bytes", moment, origin, memory)


def _bars(pid: int, bars: list[_Bar], origin: float) -> Iterator[dict[str, Any]]:
    lanes = _Lanes()
    for bar in sorted(bars, key=lambda bar: (bar.start, -bar.seconds)):
        start, length = _micro(bar.start - origin), _micro(bar.seconds)
        yield {
            "ph": "X",
            "pid": pid,
            "tid": lanes.place(bar, start, start + length),
            "ts": start,
            "dur": length,
            "name": bar.name,
            "cat": bar.category,
            "args": bar.args,
        }


class _Lanes:
    """Finds a lane for each bar, in the order of their starts: inside its parent, or where nothing is under way."""

    def __init__(self) -> None:
        self._open: list[list[tuple[int, str | None]]] = []
        """End and id of the bars that each lane is inside of, the outermost first."""

    def place(self, bar: _Bar, start: int, end: int) -> int:
        """Number of the lane, from 1."""
        empty = None
        for number, lane in enumerate(self._open):
            while lane and lane[-1][0] <= start:
                lane.pop()
            if lane and bar.parent is not None and lane[-1][1] == bar.parent and end <= lane[-1][0]:
                lane.append((end, bar.id))
                return number + 1
            if not lane and empty is None:
                empty = number
        if empty is None:
            empty = len(self._open)
            self._open.append([])
        self._open[empty].append((end, bar.id))
        return empty + 1


def _names(pid: int, name: str, order: int) -> Iterator[dict[str, Any]]:
    yield {"ph": "M", "pid": pid, "tid": 0, "name": "process_name", "args": {"name": name}}
    yield {"ph": "M", "pid": pid, "tid": 0, "name": "process_sort_index", "args": {"sort_index": order}}


def _counter(name: str, moment: float, origin: float, value: int | Decimal) -> dict[str, Any]:
    return {"ph": "C", "pid": _RUN, "tid": 0, "ts": _micro(moment - origin), "name": name, "args": {name: value}}


def _micro(seconds: float) -> int:
    return round(seconds * 1e6)


def _known(args: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in args.items() if value is not None}
