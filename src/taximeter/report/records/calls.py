"""Records of calls: lines of a sink, and entries of `llm_calls`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from taximeter.report.records.terms import CostStatus, Count, Money, Record, Seconds, Tokens


class LLMCallUsage(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """One LLM or embedding call: a line of a sink, and an entry of `llm_calls`."""

    schema_version: Literal["instrumentation_call_v1"] = "instrumentation_call_v1"
    kind: Literal["llm", "embedding"] = "llm"
    model: Annotated[str, Meta(min_length=1)]
    """The model that was asked for."""

    provider: str | None = None
    prompt_tokens: Tokens | None = None
    """All input tokens; null if nobody said."""

    completion_tokens: Tokens | None = None
    """All output tokens; null if nobody said."""

    cached: bool = False
    """Answered from a local cache: nothing was bought."""

    request_ms: Seconds | None = None
    """Latency in milliseconds."""

    ttft_ms: Seconds | None = None
    """Of a stream, milliseconds to its first token."""

    tokens_per_second: Seconds | None = None
    """In a report `completion_tokens` by the time that the request took."""

    tries: Annotated[int, Meta(ge=1)] | None = None
    """How often the SDK sent it."""

    stream: bool | None = None
    request_id: str | None = None
    status: Literal["done", "failed", "cut"] = "done"
    """`failed`: nothing was bought; `cut`: a stream that ended before its end."""

    cost: Money | None = None
    """In a sink what the provider says it billed; in a report what the call cost; null if that is not known."""

    cost_status: CostStatus | None = None
    cost_reason: str | None = None
    """In a report why the cost is not simply priced, or how a bill was exchanged."""

    cost_rules: list[str] | None = None
    """In a report what made the rates other than the standard ones: tier, variant, layers, exchange."""

    stage_id: str | None = None
    run_id: str | None = None
    shard: Count | None = None
    """Which shard of the stage made it, from 0."""

    attempt: Annotated[int, Meta(ge=1)] | None = None
    created_at: str | None = None
    """UTC, ISO 8601."""

    response_model: str | None = None
    """The model that answered."""

    processing: Literal["sync", "batch"] = "sync"
    service_tier: str | None = None
    """As the provider names it: `flex`, `priority`, and others."""

    speed: str | None = None
    inference_geo: str | None = None
    region: str | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_write_input_tokens: Tokens | None = None
    tool_use_input_tokens: Tokens | None = None
    reasoning_output_tokens: Tokens | None = None
    text_input_tokens: Tokens | None = None
    image_input_tokens: Tokens | None = None
    audio_input_tokens: Tokens | None = None
    video_input_tokens: Tokens | None = None
    text_output_tokens: Tokens | None = None
    image_output_tokens: Tokens | None = None
    audio_output_tokens: Tokens | None = None
    video_output_tokens: Tokens | None = None
    text_cache_read_input_tokens: Tokens | None = None
    image_cache_read_input_tokens: Tokens | None = None
    audio_cache_read_input_tokens: Tokens | None = None
    video_cache_read_input_tokens: Tokens | None = None
    cache_write_by_ttl: dict[str, Tokens] | None = None
    """Tokens written to the provider's cache by how long they are kept."""

    counters: dict[str, Tokens] | None = None
    """What is billed by the piece and is not a token."""

    inconsistent: list[str] | None = None
    """Why the counts cannot all be true; they stand as they were given."""

    tags: dict[str, str] | None = None


class ItemsTold(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Units of work that a stage read or made: a line of a sink."""

    schema_version: Literal["instrumentation_items_v1"]
    items: Tokens
    direction: Literal["in", "out"] = "out"


class CallRejected(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A call whose figures cannot be true: a line of a sink."""

    schema_version: Literal["instrumentation_rejected_v1"]
    reason: str
