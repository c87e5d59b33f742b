"""The public file formats of a metered run."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

Figure = Literal["exact", "sampled", "missing"]
CostStatus = Literal["priced", "partial", "estimated", "unpriced"]
Status = Literal["pending", "running", "done", "failed", "cancelled", "skipped", "reused", "lost", "over_budget"]

REUSED: Literal["instrumentation_reused_v1"] = "instrumentation_reused_v1"

Count = Annotated[int, Field(ge=0, strict=True)]
Tokens = Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)]
Seconds = Annotated[float, Field(ge=0)]


def _a_number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("money is a plain number")
    return value


Money = Annotated[
    Decimal,
    BeforeValidator(_a_number),
    Field(ge=0, max_digits=50, decimal_places=12),
    WithJsonSchema({"type": "number", "minimum": 0}),
]


class _Record(BaseModel):
    # Deferred: a start would otherwise pay for the validators of every format, used or not.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class LLMCallUsage(_Record):
    """One LLM or embedding call: a line of a sink, and an entry of `llm_calls`."""

    model_config = ConfigDict(extra="allow")

    schema_version: Literal["instrumentation_call_v1"] = "instrumentation_call_v1"
    kind: Literal["llm", "embedding"] = "llm"
    model: Annotated[str, Field(min_length=1)]
    """The model that was asked for."""

    provider: str | None = None
    prompt_tokens: Tokens | None = None
    """All input tokens; null if nobody said."""

    completion_tokens: Tokens | None = None
    """All output tokens; null if nobody said."""

    cached: Annotated[bool, Field(strict=True)] = False
    """Answered from a local cache: nothing was bought."""

    request_ms: Seconds | None = None
    """Latency in milliseconds."""

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
    attempt: Annotated[int, Field(ge=1)] | None = None
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


class ItemsTold(_Record):
    """Units of work that a stage read or made: a line of a sink."""

    model_config = ConfigDict(extra="allow")

    schema_version: Literal["instrumentation_items_v1"]
    items: Tokens
    direction: Literal["in", "out"] = "out"


class CallRejected(_Record):
    """A call whose figures cannot be true: a line of a sink."""

    model_config = ConfigDict(extra="allow")

    schema_version: Literal["instrumentation_rejected_v1"]
    reason: str


class Saved(_Record):
    """What calls that were answered from a local cache would have used."""

    prompt_tokens: Count = 0
    completion_tokens: Count = 0


class ModelTotals(_Record):
    """Sums over calls. Every call is in `calls`; tokens and cost leave out what a local cache answered."""

    calls: Count = 0
    embedding_calls: Count = 0
    failed_calls: Count = 0
    cached_calls: Count = 0
    missing_usage_calls: Count = 0
    """Calls of which nobody said how many tokens they used."""

    unpriced_calls: Count = 0
    """Calls with tokens and without any price."""

    partial_calls: Count = 0
    """Calls of which a part has no price."""

    estimated_calls: Count = 0
    inconsistent_calls: Count = 0
    """Calls whose counts cannot all be true."""

    prompt_tokens: Count = 0
    """All input tokens, those of embeddings and of the provider's cache included."""

    completion_tokens: Count = 0
    """All output tokens, reasoning included."""

    cache_read_input_tokens: Count = 0
    cache_write_input_tokens: Count = 0
    tool_use_input_tokens: Count = 0
    reasoning_output_tokens: Count = 0
    embedding_tokens: Count = 0
    """Input tokens of embedding calls."""

    cache_write_by_ttl: dict[str, Count] = {}
    """`cache_write_input_tokens` by how long they are kept."""

    modality_tokens: dict[str, Count] = {}
    """Tokens of text, image, audio and video, as far as providers told them."""

    counters: dict[str, Count] = {}
    """What is billed by the piece and is not a token."""

    cost: Money | None = None
    """Money of what is priced; null if nothing is."""

    cost_status: CostStatus | None = None
    """How sure the cost is: that of the least sure call; null without calls."""

    saved: Saved = Saved()
    saved_cost: Money | None = None
    """What the calls that a local cache answered would have cost."""


class Totals(ModelTotals):
    """Sums over calls, and the same by model."""

    per_model: dict[str, ModelTotals] = {}
    """Keyed by the model that was asked for."""


class Measured(_Record):
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


class StageAttempt(Measured):
    """One try of a stage."""

    attempt: Annotated[int, Field(ge=1)]
    status: Status
    started_at: str | None = None
    ended_at: str | None = None
    error: str | None = None
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


class BudgetUse(_Record):
    """How much of one limit of a budget is used."""

    figure: Literal["cost", "tokens", "calls", "wall", "unpriced"]
    """`wall` in seconds; `unpriced` counts the calls without a full price, of which there may be none."""

    used: Annotated[float, Field(ge=0)]
    limit: Annotated[float, Field(ge=0)]


class PerThousandItems(_Record):
    """What 1,000 items took: those that a stage made, or else those that it read."""

    wall_seconds: Seconds | None = None
    tokens: Seconds | None = None
    """Input and output tokens."""

    cost: Money | None = None
    """Rounded to 12 places."""


class ReusedStage(Measured):
    """What a stage took and cost in the run that it was reused from. It is in no total of the run that reuses it."""

    schema_version: Literal["instrumentation_reused_v1"] = REUSED
    started_at: str | None = None
    ended_at: str | None = None
    items_in: Count | None = None
    items_out: Count | None = None
    attempts: Count = 0
    """How many there were."""

    llm_totals: Totals = Totals()
    methods: dict[str, Figure] = {}


class StageProgress(_Record):
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


class Latency(_Record):
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


class StageInstrumentation(Measured):
    """What one stage took and what it cost, over all its attempts."""

    schema_version: Literal["instrumentation_stage_v1"] = "instrumentation_stage_v1"
    id: str | None
    """The stage's id; null gathers the calls outside any stage."""

    stage: str | None = None
    """Kind of the stage, as the recipe names it."""

    module_id: str | None = None
    description: str | None = None
    needs: list[str] = []
    """Ids of the stages that must be done first."""

    status: Status
    stale: bool = False
    """What it read was made anew since."""

    artifact: str | None = None
    """Path of the artifact, from the run directory."""

    schema_version_output: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    items_in: Count | None = None
    items_out: Count | None = None
    per_1000_items: PerThousandItems | None = None
    """null for a stage of which nobody knows the items."""

    mocked: bool = False
    reused_from: str | None = None
    """The run that the stage was done in, if it was another one."""

    reused: ReusedStage | None = None
    """What it took and cost there."""

    attempts: list[StageAttempt] = []
    budget: list[BudgetUse] = []
    """What it may spend, the most used limit first."""

    progress: StageProgress | None = None
    """null for a stage that says nothing of it."""

    latency: Latency = Latency()
    llm_calls: list[LLMCallUsage] = []
    """The most expensive calls."""

    llm_calls_omitted: Count = 0
    """How many more calls there were."""

    llm_totals: Totals = Totals()
    methods: dict[str, Figure] = {}
    extra: dict[str, Any] = {}


class UnitRate(_Record):
    """What `per` units cost."""

    rate: Money
    per: Annotated[int, Field(ge=1)]


class Rates(_Record):
    """Standard rates of one model; tiers, variants and layers stand in `snapshots/pricing.json`."""

    units: dict[str, UnitRate] = {}
    """By unit: a token count, or a counter."""

    free: bool = False
    currency: str | None = None
    """null: that of the sheet."""

    source: str | None = None
    """Where the figures come from."""

    as_of: str | None = None
    """The day on which they were read there."""


class Pricing(_Record):
    """The prices that were applied."""

    source: str | None = None
    """The price sheet."""

    updated_at: str | None = None
    currency: str = "USD"
    sheet_id: str | None = None
    """sha256 of the compiled sheet."""

    models: dict[str, Rates] = {}
    """Rates of the models that were used."""

    default: Rates | None = None
    """Rates by which models that are not listed were estimated."""

    unpriced: list[str] = []
    """Models that were used and have no price."""

    estimated: list[str] = []
    """Models that were priced by default rates."""


class Env(_Record):
    """Where the run was made."""

    python_version: str | None = None
    platform: str | None = None
    taximeter_version: str | None = None
    cpu_count: int | None = None


class Losses(_Record):
    """What was lost or is doubtful."""

    rejected: Count = 0
    """Calls whose figures cannot be true."""

    torn: Count = 0
    """Lines that were half written when their writer died."""

    dropped: Count = 0
    truncated: Count = 0
    reasons: dict[str, Count] = {}
    """Why calls were rejected, and how often."""


class Headline(_Record):
    """The figures by which runs are compared."""

    run_id: str
    status: Status
    wall_seconds: Seconds | None = None
    cost: Money | None = None
    cost_status: CostStatus | None = None
    prompt_tokens: Count = 0
    cache_read_input_tokens: Count = 0
    completion_tokens: Count = 0
    embedding_tokens: Count = 0
    calls: Count = 0
    peak_memory_bytes: Count | None = None
    """Of the stage that took most."""

    cpu_seconds: Seconds | None = None
    parallelism: Seconds | None = None
    """Seconds of all stages over the seconds of the run: 1 is one stage after the other."""

    items: Count | None = None
    """What the last stage that has items made."""

    cost_per_1000_items: Money | None = None


class CriticalPath(_Record):
    """The chain of stages that decided when the run ended."""

    stages: list[str] = []
    seconds: Seconds = 0


class Lane(_Record):
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


class SpanBars(_Record):
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


class Timeline(_Record):
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


class SpanNode(_Record):
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


class SpanTree(_Record):
    """Where time was spent inside stages, as programs name it."""

    nodes: list[SpanNode] = []
    left_out: Count = 0
    """Spans of names for which there was no room."""


class RunInstrumentation(_Record):
    """What a run took and what it cost."""

    schema_version: Literal["instrumentation_run_v1"] = "instrumentation_run_v1"
    run_id: str
    recipe_name: str | None = None
    recipe_path: str | None = None
    status: Status
    metered: bool
    """False: stages and times only."""

    mocked: bool = False
    started_at: str | None = None
    ended_at: str | None = None
    wall_seconds: Seconds | None = None
    cpu_user_seconds: Seconds | None = None
    cpu_system_seconds: Seconds | None = None
    headline: Headline | None = None
    baseline: Headline | None = None
    """The run that this one was compared with."""

    summary: str = ""
    """Where the time and the money went, in one sentence."""

    critical_path: CriticalPath = CriticalPath()
    stages: list[StageInstrumentation] = []
    timeline: Timeline = Timeline()
    spans: SpanTree = SpanTree()
    totals: Totals = Totals()
    budget: list[BudgetUse] = []
    """What the run may spend, the most used limit first."""

    pricing: Pricing = Pricing()
    env: Env = Env()
    losses: Losses = Losses()
    tags: dict[str, str] = {}
    error: str | None = None
    trouble: str | None = None
    """The first error with the files that the run writes about itself."""

    extra: dict[str, Any] = {}


SCHEMA_MAP: dict[str, type[BaseModel]] = {
    "instrumentation_call_v1": LLMCallUsage,
    "instrumentation_items_v1": ItemsTold,
    "instrumentation_rejected_v1": CallRejected,
    "instrumentation_reused_v1": ReusedStage,
    "instrumentation_stage_v1": StageInstrumentation,
    "instrumentation_run_v1": RunInstrumentation,
}
"""File formats by the `schema_version` that their records carry."""
