"""The two records on the wire: a timed region, and one LLM or embedding request.

One line of JSON each. `event_id = (process_id, seq)` names a delivery; `span_id` names a span, and of the records of
one span the highest `seq` wins. A span that was opened and never closed is lost.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from taximeter.usage import NO_USAGE, Usage

SpanKind = Literal["run", "process", "stage", "span"]
Status = Literal["pending", "running", "done", "failed", "cancelled", "skipped", "reused", "lost", "over_budget"]
CallKind = Literal["llm", "embedding"]
CallStatus = Literal["done", "failed", "cut"]
Processing = Literal["sync", "batch"]
UsageSource = Literal["provider", "tracker", "user", "estimated", "missing"]

META_TERMS = ("speed", "inference_geo")
"""What decides a price and few providers tell: in the `meta` of a call, by these names."""

UNDELIVERED = "undelivered"
"""How many files of an attempt did not come home whole from another machine: in the `losses` of its span."""

TROUBLE = "trouble"
"""The first error with the files that a run writes about itself: in the `meta` of the run, by this name."""


SHARDS = "shards"
"""How many shards a stage is split into: in the `meta` of its attempts, by this name."""


class SpanEvent(msgspec.Struct, omit_defaults=True, gc=False, tag="span_v1", tag_field="schema_version"):
    """A timed region: a run, a process, an attempt of a stage, or a span inside one.

    The fields that every closed span has come first: it is made by position, which is five times faster than by name.
    """

    event_id: tuple[str, int]
    """(process_id, seq): this delivery."""

    run_id: str
    trace_id: str
    span_id: str
    kind: SpanKind
    span: str
    """Name of the region."""

    started_at: float
    """Seconds since the epoch, from a monotonic clock anchored once to UTC."""

    parent_id: str | None = None
    parent_span: str | None = None
    stage: str | None = None
    """Kind of the stage, as the recipe or the decorator names it."""

    stage_id: str | None = None
    """The stage this span belongs to; None is outside any stage."""

    attempt: int | None = None
    """Which try of the stage, from 1; absent where it was not tried. Of a run: which driver, the first one is 1."""

    shard: int | None = None
    """Which of the shards of the stage, from 0."""

    session_id: str | None = None
    tags: dict[str, str] | None = None
    pid: int | None = None
    ended_at: float | None = None
    wall_ms: float | None = None
    cpu_ms: float | None = None
    cpu_method: Literal["tree", "process", "thread"] | None = None
    """Whose CPU time `cpu_ms` is: the whole process tree's, the process's, the thread's."""

    ok: bool | None = None
    status: Status = "running"
    error: str | None = None
    meta: dict[str, Any] | None = None
    llm_model: str | None = None
    embed_model: str | None = None
    tokens: dict[str, int] | None = None
    """Inclusive view for people; no total is made from it."""

    cost_usd: dict[str, Decimal] | None = None
    """Inclusive view for people; no total is made from it."""

    token_source: Literal["calls", "tracker", "estimated", "missing"] | None = None
    items_in: int | None = None
    items_out: int | None = None
    resources: dict[str, float] | None = None
    """Figures of the operating system; a name ends in its unit."""

    losses: dict[str, int] | None = None
    """What was lost or is doubtful: dropped, rejected, truncated, torn."""

    node: str | None = None
    folder: str | None = None
    """The folder of the stage in the run directory."""

    fingerprint: str | None = None
    """sha256 of all that the stage is made from, as it was when the attempt began."""

    reused_from: str | None = None
    """The other run that a reused stage was done in."""

    stale: bool = False
    """What the stage read was made anew since."""

    @property
    def seq(self) -> int:
        """Order of this record among those of its process."""
        return self.event_id[1]


class CallEvent(msgspec.Struct, omit_defaults=True, gc=False, tag="call_v1", tag_field="schema_version"):
    """One logical LLM or embedding request.

    The fields that a line of a sink can fill come first: it is made by position, five times faster than by name.
    """

    event_id: tuple[str, int]
    """(process_id, seq); a line of a sink is named by its file and byte offset."""

    model: str
    """The model that was asked for; totals are keyed by it."""

    run_id: str | None = None
    stage_id: str | None = None
    attempt: int | None = None
    kind: CallKind = "llm"
    provider: str | None = None
    response_model: str | None = None
    """The model that answered; a rate is looked up by it first."""

    usage: Usage = NO_USAGE
    usage_source: UsageSource = "user"
    inconsistent: tuple[str, ...] = ()
    """Why its counts cannot all be true; they are kept as they were given."""

    cached: bool = False
    """Answered from a local cache: nothing was bought."""

    processing: Processing = "sync"
    service_tier: str | None = None
    region: str | None = None
    request_id: str | None = None
    started_at: float | None = None
    """Seconds since the epoch."""

    request_ms: float | None = None
    provider_cost: Decimal | None = None
    """What the provider says it billed, in USD."""

    captured_by: str | None = None
    tags: dict[str, str] | None = None
    meta: dict[str, Any] | None = None
    status: CallStatus = "done"
    session_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    """The span it happened in."""

    shard: int | None = None
    endpoint: str | None = None
    operation: str | None = None
    response_id: str | None = None
    tries: int | None = None
    stream: bool | None = None
    ttft_ms: float | None = None


Event = SpanEvent | CallEvent
"""One line of a journal."""
