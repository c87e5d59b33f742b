"""What the operating system and the stages themselves tell of a stage."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from taximeter.report.records.terms import Count, Figure, Money, Record, Seconds, Status


class Measured(Record, frozen=True, kw_only=True):
    """What the operating system counted. null is unknown, never 0; `methods` says how each figure was found."""

    wall_seconds: Seconds | None = None
    cpu_user_seconds: Seconds | None = None
    cpu_system_seconds: Seconds | None = None
    max_rss_bytes: Count | None = None
    """Memory of the largest single process."""

    peak_memory_bytes: Count | None = None
    """Memory of the whole process tree at its largest."""

    io_read_bytes: Count | None = None
    """Read from storage."""

    io_write_bytes: Count | None = None
    """Written to storage."""

    exit_code: int | None = None
    signal: int | None = None
    """The signal that ended the stage's own process."""


class StageAttempt(Measured, frozen=True, kw_only=True):
    """One try of a stage."""

    attempt: Annotated[int, Meta(ge=1)]
    status: Status
    started_at: str | None = None
    ended_at: str | None = None
    error: str | None = None
    node: str | None = None
    """The machine that ran it; null is the driver's own."""

    complete: bool = True
    """Whether all that it wrote on another machine came home as it was there."""

    leftover_processes: Count | None = None
    """Processes that outlived the stage's own one and the grace after it, and were ended."""

    deaf_processes: Count | None = None
    """Processes that ignored TERM and were killed."""

    log_bytes: Count | None = None
    """Size of what it printed."""

    uncaptured: dict[str, Count] | None = None
    """Processes whose calls were not captured, by interpreter, of those that were seen; null if nobody looked."""

    methods: dict[str, Figure] = {}
    last: bool = False
    """The attempt that decides the status of the stage."""


class StageProgress(Record, frozen=True, kw_only=True):
    """How far the last attempt of a stage says that it is."""

    current: Seconds | None = None
    """Units of work that are done."""

    total: Seconds | None = None
    """Units of work that there are."""

    percent: Seconds | None = None
    message: str | None = None
    per_second: Seconds | None = None
    """Units of work in a second, since the attempt began."""

    seconds_left: Seconds | None = None
    """If it goes on like that; null unless it runs."""


class PerThousandItems(Record, frozen=True, kw_only=True):
    """What 1,000 items took: those that a stage made, or else those that it read."""

    wall_seconds: Seconds | None = None
    tokens: Seconds | None = None
    """Input and output tokens."""

    cost: Money | None = None
    """Rounded to 12 places."""


class Latency(Record, frozen=True, kw_only=True):
    """How long calls took, as the caller saw it. Percentiles are right within 2 %."""

    calls: Count = 0
    """Calls of which it is known."""

    p50_ms: Seconds | None = None
    p95_ms: Seconds | None = None
    longest_ms: Seconds | None = None
    total_ms: Seconds = 0
    """Of all calls, also of those at the same time."""

    waiting_ms: Seconds | None = None
    """In which at least one call was under way: calls at the same time count once. null without calls."""

    waiting_method: Figure = "missing"
    """`sampled`: an estimate, since so many calls share bars of the timeline, or nobody knows when some began."""
