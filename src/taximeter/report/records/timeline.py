"""When calls and spans were, in bounded numbers."""

from __future__ import annotations

from taximeter.report.records.terms import Count, Money, Record, Seconds


class Lane(Record, frozen=True, kw_only=True):
    """Where bars of a timeline stand: one process of one stage, or all that share a lane."""

    stage_id: str | None = None
    process: str | None = None
    """Id of the process, or the sink that its calls stand in; null: there are so many that they share this lane."""

    pid: int | None = None
    node: str | None = None
    start_ms: int | None = None
    """When the process began."""

    end_ms: int | None = None
    cpu_seconds: Seconds | None = None
    """Of the process; null where it ran other stages too."""

    waiting_seconds: Seconds | None = None
    """In which at least one call was under way; null without calls."""


class SpanBars(Record, frozen=True, kw_only=True):
    """When spans ran, as columns: one entry a bar, by when they begin. A bar is one span or a bin of them."""

    bin_seconds: Seconds = 0
    """Spans of one lane, attempt and name that began within it share a bar; 0: each span has its own."""

    left_out: Count = 0
    """Spans for which there was no room."""

    names: list[str] = []
    lane: list[int] = []
    """Index into `lanes` of the timeline."""

    name: list[int] = []
    """Index into `names`."""

    start_ms: list[float] = []
    end_ms: list[float] = []
    busy_ms: list[float] = []
    """What the spans of the bar took, added up."""

    cpu_ms: list[float | None] = []
    """Of the threads that ran them."""

    count: list[int] = []
    failed: list[int] = []


class Timeline(Record, frozen=True, kw_only=True):
    """When calls happened, as columns: one entry a bar, by when they begin. A bar is one call or a bin of them."""

    started_at: str | None = None
    """UTC; the times of bars count from here."""

    bin_seconds: Seconds = 0
    """Calls of one lane, attempt and model that began within it share a bar; 0: each call has its own."""

    untimed_calls: Count = 0
    """Calls of which nobody knows when they began."""

    left_out_calls: Count = 0
    """Calls for which there was no room."""

    lanes: list[Lane] = []
    models: list[str] = []
    lane: list[int] = []
    """Index into `lanes`."""

    model: list[int] = []
    """Index into `models`."""

    attempt: list[int | None] = []
    start_ms: list[int] = []
    end_ms: list[int] = []
    busy_ms: list[int] = []
    """What the calls of the bar took, added up."""

    calls: list[int] = []
    failed: list[int] = []
    tokens: list[int] = []
    cost: list[Money | None] = []
    spans: SpanBars = SpanBars()


class SpanNode(Record, frozen=True, kw_only=True):
    """All spans of one name below one name."""

    name: str
    stage_id: str | None = None
    parent: int | None = None
    """Index of the node around it; it stands before its children."""

    count: Count
    failed: Count = 0
    total_seconds: Seconds
    """Added up, also of spans at the same time."""

    self_seconds: Seconds
    """The same without its children."""

    cpu_seconds: Seconds | None = None


class SpanTree(Record, frozen=True, kw_only=True):
    """Where time was spent inside stages, as programs name it."""

    nodes: list[SpanNode] = []
    left_out: Count = 0
    """Spans of names for which there was no room."""
