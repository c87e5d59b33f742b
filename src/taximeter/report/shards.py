"""The shards of one stage: each with its figures, all of them together, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from taximeter.clock import iso
from taximeter.events import SHARDS, SpanEvent
from taximeter.ledger.callsums import TotalsKey
from taximeter.ledger.ledger import StageSpans
from taximeter.ledger.progress import ProgressLine, together
from taximeter.report import records
from taximeter.report.progress import progress_record
from taximeter.report.sittings import Sittings, status_at
from taximeter.report.stage import ADDED, LARGEST, known, lasted, over_attempts
from taximeter.report.tally import roll_up
from taximeter.totals import Totals

_MUCH_LONGER = 1.5
_LONGER = 1.0
"""Seconds."""

_ALSO_ADDED = ("leftover_processes", "deaf_processes", "log_bytes")

N = TypeVar("N", float, Decimal)
Leaf = tuple[TotalsKey, Totals]
Tried = tuple[SpanEvent, records.StageAttempt]


def has_shards(spans: StageSpans) -> bool:
    """Whether a stage was ever run as shards."""
    return any(map(_count, spans.attempts))


def _count(attempt: SpanEvent) -> int:
    """How many shards there were; 0 if it was run as a whole, or could not be."""
    count = (attempt.meta or {}).get(SHARDS)
    return count if isinstance(count, int) else 0


class Shards:
    """The shards of a stage that has some.

    `leaves` are the totals of its calls. `attempt` gives the record of an attempt; the time that it is told, in seconds
    since the epoch, is None if nobody lives who could end it. `said` is what an attempt has said of its progress.
    """

    def __init__(
        self,
        spans: StageSpans,
        sittings: Sittings,
        leaves: Iterable[Leaf],
        attempt: Callable[[SpanEvent, float | None], records.StageAttempt],
        said: Callable[[SpanEvent, records.StageAttempt], ProgressLine | None],
    ) -> None:
        self._rounds = spans.attempts
        self._count = _count(spans.attempts[-1])
        self._now = {span.span_id: sittings.now_of(span) for span in spans.attempts}
        self._tried: dict[int, list[Tried]] = {
            number: [(span, attempt(span, self._now.get(span.parent_id or ""))) for span in tries]
            for number, tries in spans.shards.items()
        }
        self._whole = {
            span.span_id: attempt(span, self._now[span.span_id]) for span in spans.attempts if not _count(span)
        }
        """Attempts at the stage as a whole, by the ids of their spans."""

        self._lines = {number: said(*tries[-1]) for number, tries in self._tried.items()}
        self.attempts = self._attempts()
        """What all shards did together, each time that the stage was started."""

        last = self.attempts[-1]
        current = [self._lines.get(number) for number in range(self._count)]
        self.progress = progress_record(together(current), last)
        """How far they are together; None if none has said anything."""

        self.records = self._records(leaves)
        """One for each shard, and one for the calls that no shard made, if there are any."""

    def _attempts(self) -> list[records.StageAttempt]:
        by_round: dict[str | None, list[Tried]] = {}
        for tries in self._tried.values():
            for tried in tries:
                by_round.setdefault(tried[0].parent_id, []).append(tried)
        return [
            self._whole.get(span.span_id) or _round(span, status_at(span, now), by_round.get(span.span_id, []), now)
            for span in self._rounds
            for now in [self._now[span.span_id]]
        ]

    def spread(self) -> records.ShardSpread | None:
        """Those that are done side by side; None if the stage was run as a whole at last."""
        if not self._count:
            return None
        done = [shard for shard in self._current() if shard.status == "done"]
        walls = [shard.wall_seconds for shard in done if shard.wall_seconds is not None]
        costs = [shard.llm_totals.cost for shard in done if shard.llm_totals.cost is not None]
        late = sorted((s for s in self._current() if s.straggler), key=lambda s: s.wall_seconds or 0.0, reverse=True)
        return records.ShardSpread(
            count=self._count,
            done=len(done),
            wall_seconds=records.Spread(least=min(walls), median=_median(walls), most=max(walls)) if walls else None,
            cost=records.MoneySpread(least=min(costs), median=_median(costs), most=max(costs)) if costs else None,
            stragglers=[shard.shard for shard in late if shard.shard is not None],
        )

    def _current(self) -> list[records.ShardInstrumentation]:
        """Without those of an earlier plan, which may have had more of them."""
        return [shard for shard in self.records if shard.shard is not None and shard.shard < self._count]

    def _records(self, leaves: Iterable[Leaf]) -> list[records.ShardInstrumentation]:
        by_shard: dict[int | None, list[tuple[str, Totals]]] = {}
        numbers = sorted({*range(self._count), *self._tried})
        known = set(numbers)
        for key, part in leaves:
            by_shard.setdefault(key.shard if key.shard in known else None, []).append((key.model, part))
        made = [self._record(number, roll_up(by_shard.get(number, ()))) for number in numbers]
        # What no shard made was paid for, too: without it the shards would not add up to the stage.
        whole = list(self._whole.values())
        if whole or None in by_shard:
            figures = over_attempts(whole) if whole else {"status": "done"}
            rest = records.ShardInstrumentation(shard=None, llm_totals=roll_up(by_shard.get(None, ())), **figures)
            return [*self._marked(made), rest]
        return self._marked(made)

    def _record(self, number: int, totals: records.Totals) -> records.ShardInstrumentation:
        tried = self._tried.get(number)
        if not tried:
            goes_on = self._now[self._rounds[-1].span_id] is not None and self._rounds[-1].ended_at is None
            return records.ShardInstrumentation(
                shard=number, status="pending" if goes_on else "skipped", llm_totals=totals
            )
        span, attempt = tried[-1]
        figures = over_attempts([attempt for _, attempt in tried])
        return records.ShardInstrumentation(
            shard=number,
            items_in=span.items_in,
            items_out=span.items_out,
            progress=progress_record(self._lines[number], attempt),
            llm_totals=totals,
            **figures,
        )

    def _marked(self, shards: list[records.ShardInstrumentation]) -> list[records.ShardInstrumentation]:
        walls = [s.wall_seconds for s in shards[: self._count] if s.status == "done" and s.wall_seconds is not None]
        if not walls:
            return shards
        usual = _median(walls)
        limit = max(usual * _MUCH_LONGER, usual + _LONGER)
        return [msgspec.structs.replace(s, straggler=True) if (s.wall_seconds or 0.0) > limit else s for s in shards]


def _median(figures: list[N]) -> N:
    """The one in the middle; of two, the lower. That of the standard library comes with fractions, which take longer to
    load than it takes to build most reports."""
    return sorted(figures)[(len(figures) - 1) // 2]


def _round(span: SpanEvent, status: records.Status, tried: Sequence[Tried], now: float | None) -> records.StageAttempt:
    """What the attempts of all shards took together."""
    record = records.StageAttempt(
        attempt=span.attempt or 1,
        status=status,
        started_at=iso(min((of.started_at for of, _ in tried), default=span.started_at)),
        ended_at=None if span.ended_at is None else iso(span.ended_at),
        error=span.error,
    )
    if not tried:
        wall = lasted(span, now)
        methods: dict[str, Any] = dict.fromkeys((*ADDED, *LARGEST), "missing")
        return msgspec.structs.replace(record, methods=methods | {"wall_seconds": "exact"}, wall_seconds=wall or 0.0)
    attempts = [attempt for _, attempt in tried]
    figures = over_attempts(attempts)
    ends = [of.started_at + one.wall_seconds for of, one in tried if one.wall_seconds is not None]
    wall = max(ends) - min(of.started_at for of, _ in tried) if ends else None
    uncaptured: dict[str, int] | None = None
    for attempt in attempts:
        for name, count in (attempt.uncaptured or {}).items():
            uncaptured = (uncaptured or {}) | {name: (uncaptured or {}).get(name, 0) + count}
    measured = {
        **{name: figures[name] for name in (*ADDED, *LARGEST)},
        **{name: known(sum, (getattr(attempt, name) for attempt in attempts)) for name in _ALSO_ADDED},
        "wall_seconds": wall,
        "uncaptured": uncaptured,
        "methods": figures["methods"],
    }
    return msgspec.structs.replace(record, **measured)
