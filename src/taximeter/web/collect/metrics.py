"""What the collector has counted, as Prometheus reads it (text format 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from taximeter.numbers import exact
from taximeter.web.collect.counts import LAGS, Counts

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Labels = tuple[tuple[str, str], ...]


class Sample(msgspec.Struct, frozen=True):
    """One figure."""

    labels: Labels
    value: str
    suffix: str = ""


class Family(msgspec.Struct, frozen=True):
    """Figures of one name."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    samples: tuple[Sample, ...]


def render(counts: Mapping[str, Counts], runs: Mapping[str, int], waiting: int) -> str:
    """Figures by project; `runs` that go on, and bytes that wait to be written, of all projects together."""
    return "".join(_lines(family) for family in _families(counts, runs, waiting))


def _families(counts: Mapping[str, Counts], runs: Mapping[str, int], waiting: int) -> Iterator[Family]:
    projects = [((("project", name),), of) for name, of in counts.items()]
    yield Family(
        "taximeter_collector_events_total",
        "counter",
        "Events by what became of them.",
        tuple(
            Sample((*labels, ("result", result)), str(number))
            for labels, of in projects
            for result, number in (
                ("accepted", of.accepted),
                ("duplicate", of.duplicate),
                ("rejected", of.rejected.total()),
            )
        ),
    )
    yield Family(
        "taximeter_collector_conflicts_total",
        "counter",
        "Duplicates that say something else than the event that was taken.",
        tuple(Sample(labels, str(of.conflicting)) for labels, of in projects),
    )
    yield Family(
        "taximeter_collector_requests_total",
        "counter",
        "Requests by the status of the answer.",
        tuple(
            Sample((*labels, ("status", str(status))), str(number))
            for labels, of in projects
            for status, number in sorted(of.requests.items())
        ),
    )
    yield Family(
        "taximeter_collector_lag_seconds",
        "histogram",
        "From the end of an event to its arrival.",
        tuple(sample for labels, of in projects for sample in _lag(labels, of)),
    )
    yield Family(
        "taximeter_collector_runs",
        "gauge",
        "Runs that go on.",
        tuple(Sample((("project", name),), str(number)) for name, number in runs.items()),
    )
    yield Family("taximeter_collector_waiting_bytes", "gauge", "What waits to be written.", (Sample((), str(waiting)),))
    yield from _spent(projects)


def _lag(labels: Labels, counts: Counts) -> Iterator[Sample]:
    total = 0
    for bound, number in zip((*map(str, LAGS), "+Inf"), counts.lags, strict=True):
        total += number
        yield Sample((*labels, ("le", bound)), str(total), "_bucket")
    yield Sample(labels, f"{counts.lag_seconds:.6f}", "_sum")
    yield Sample(labels, str(total), "_count")


def _spent(projects: Iterable[tuple[Labels, Counts]]) -> Iterator[Family]:
    spent = [
        ((*labels, ("model", model), ("stage", stage)), of.currency, sums)
        for labels, of in projects
        for (model, stage), sums in tuple(of.spent.items())
    ]
    yield Family(
        "taximeter_calls_total",
        "counter",
        "Calls by model and stage.",
        tuple(Sample(labels, str(sums.calls)) for labels, _, sums in spent),
    )
    yield Family(
        "taximeter_unpriced_calls_total",
        "counter",
        "Calls of which nobody knows the cost.",
        tuple(Sample(labels, str(sums.unpriced)) for labels, _, sums in spent),
    )
    yield Family(
        "taximeter_tokens_total",
        "counter",
        "Tokens of calls that were bought.",
        tuple(
            Sample((*labels, ("direction", direction)), str(tokens))
            for labels, _, sums in spent
            for direction, tokens in (("input", sums.input_tokens), ("output", sums.output_tokens))
        ),
    )
    yield Family(
        "taximeter_cost_total",
        "counter",
        "Money of calls that could be priced.",
        tuple(Sample((*labels, ("currency", currency)), exact(sums.cost)) for labels, currency, sums in spent),
    )


def _lines(family: Family) -> str:
    head = f"# HELP {family.name} {family.meaning}\n# TYPE {family.name} {family.kind}\n"
    return head + "".join(f"{family.name}{s.suffix}{_braces(s.labels)} {s.value}\n" for s in family.samples)


def _braces(labels: Labels) -> str:
    shown = ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in labels)
    return f"{{{shown}}}" if shown else ""
