"""The driver's own spans: the run and every attempt of a stage, in its journal from the start."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import msgspec

from taximeter import __version__
from taximeter.clock import Clock, Ids
from taximeter.events import SHARDS, TROUBLE, SpanEvent, Status
from taximeter.journal.writer import Journal
from taximeter.ledger.figures import Figures
from taximeter.recipe.plan import PlannedShard, PlannedStage
from taximeter.run.machine import system
from taximeter.run.trouble import Trouble

_RESOURCES = (
    "cpu_user_seconds",
    "cpu_system_seconds",
    "max_rss_bytes",
    "peak_memory_bytes",
    "io_read_bytes",
    "io_write_bytes",
)


class DriverSpans:
    """Writes spans of one run; a span that was opened and is never closed is lost."""

    def __init__(self, folder: Path, run_id: str, clock: Clock, ids: Ids, trouble: Trouble, sitting: int = 1) -> None:
        self._journal = Journal(folder / f"driver-{ids.process_id}.jsonl")
        self._clock = clock
        self._trouble = trouble
        self._ids = ids
        self._run_id = run_id
        self._seq = 0
        self.trace_id = ids.trace_id()
        self._run = self._opened(
            SpanEvent(
                event_id=(ids.process_id, 0),
                run_id=run_id,
                trace_id=self.trace_id,
                span_id=ids.span_id(),
                kind="run",
                span=run_id,
                attempt=sitting,
                started_at=clock.now(),
                meta={
                    "python_version": platform.python_version(),
                    "platform": system(),
                    "taximeter_version": __version__,
                    "cpu_count": os.cpu_count(),
                },
                pid=os.getpid(),
                node=os.uname().nodename,
            )
        )

    @property
    def started_at(self) -> float:
        """When the run started, in seconds since the epoch."""
        return self._run.started_at

    def open_stage(
        self, stage: PlannedStage, attempt: int, fingerprint: str | None = None, shards: int | None = None
    ) -> SpanEvent:
        """Opens the span of one attempt; of a stage that has shards it is around theirs, and says how many they are."""
        span = self._of(stage)
        span.attempt, span.fingerprint = attempt, fingerprint
        if shards is not None:
            span.meta = {SHARDS: shards}
        return self._opened(span)

    def open_shard(self, shard: PlannedShard, attempt: int, fingerprint: str | None, around: SpanEvent) -> SpanEvent:
        """Opens the span of one attempt of a shard, inside that of its stage."""
        span = self._of(shard)
        span.attempt, span.fingerprint, span.shard = attempt, fingerprint, shard.number
        span.parent_id, span.parent_span = around.span_id, around.span
        return self._opened(span)

    def skip_stage(self, stage: PlannedStage) -> None:
        """Notes that a stage is not tried."""
        self._append(self._closed(self._of(stage), "skipped", None))

    def reuse_stage(self, stage: PlannedStage, fingerprint: str | None, reused_from: str | None, stale: bool) -> None:
        """Notes that a stage need not be tried: what it made is here already."""
        span = self._of(stage)
        span.fingerprint, span.reused_from, span.stale = fingerprint, reused_from, stale
        self._append(self._closed(span, "reused", None))

    def close_stage(
        self,
        span: SpanEvent,
        status: Status,
        figures: Figures | None = None,
        error: str | None = None,
        items_in: int | None = None,
        items_out: int | None = None,
        log_bytes: int | None = None,
    ) -> None:
        """Closes the span of one attempt with what its supervisor counted, and the size of its log."""
        closed = self._closed(span, status, error)
        closed.items_in, closed.items_out = items_in, items_out
        counted: dict[str, float | None] = {"log_bytes": log_bytes}
        if figures is not None:
            closed.wall_ms = figures.wall_seconds * 1000
            counted |= {name: getattr(figures, name) for name in _RESOURCES}
            if figures.cpu_user_seconds is not None and figures.cpu_system_seconds is not None:
                closed.cpu_ms = (figures.cpu_user_seconds + figures.cpu_system_seconds) * 1000
                closed.cpu_method = "tree"
        closed.resources = {name: value for name, value in counted.items() if value is not None} or None
        self._append(closed)

    def close_run(self, status: Status, error: str | None) -> None:
        """Closes the span of the run, with the trouble there was, and the journal with it."""
        closed = self._closed(self._run, status, error)
        if self._trouble.first is not None:
            closed.meta = (closed.meta or {}) | {TROUBLE: str(self._trouble.first)}
        self._append(closed)
        with self._trouble:
            self._journal.close()

    def _of(self, stage: PlannedStage) -> SpanEvent:
        return SpanEvent(
            event_id=(self._ids.process_id, 0),
            run_id=self._run_id,
            trace_id=self.trace_id,
            span_id=self._ids.span_id(),
            parent_id=self._run.span_id,
            kind="stage",
            stage=stage.stage,
            stage_id=stage.id,
            folder=stage.folder,
            span=stage.id,
            parent_span=self._run.span,
            started_at=self._clock.now(),
        )

    def _opened(self, span: SpanEvent) -> SpanEvent:
        self._append(span)
        return span

    def _closed(self, span: SpanEvent, status: Status, error: str | None) -> SpanEvent:
        end = self._clock.now()
        return msgspec.structs.replace(
            span,
            ended_at=end,
            wall_ms=(end - span.started_at) * 1000,
            status=status,
            ok=status == "done",
            error=error,
        )

    def _append(self, span: SpanEvent) -> None:
        span.event_id = (self._ids.process_id, self._seq)
        self._seq += 1
        with self._trouble:
            self._journal.append(span)
