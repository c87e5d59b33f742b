-- One row for each key counts, the one with the highest `seq`; the others go when parts are merged. Until then FINAL (or
-- the setting `final = 1`) leaves them out of an answer. What partitions and sorts a table never changes for a row.

CREATE TABLE IF NOT EXISTS calls
(
    run_id String,
    call_id String CODEC(ZSTD(1)),
    stage_id LowCardinality(Nullable(String)),
    attempt Nullable(Int64),
    shard Nullable(Int64),
    session_id Nullable(String) CODEC(ZSTD(1)),
    span_id Nullable(String) CODEC(ZSTD(1)),
    kind LowCardinality(String),
    provider LowCardinality(Nullable(String)),
    model LowCardinality(String),
    response_model LowCardinality(Nullable(String)),
    operation LowCardinality(Nullable(String)),
    status LowCardinality(String),
    cached Bool,
    processing LowCardinality(String),
    service_tier LowCardinality(Nullable(String)),
    region LowCardinality(Nullable(String)),
    tries Nullable(Int64),
    stream Nullable(Bool),
    usage_source LowCardinality(String),
    started_at Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    request_ms Nullable(Float64) CODEC(ZSTD(1)),
    ttft_ms Nullable(Float64) CODEC(ZSTD(1)),
    input_tokens Nullable(Int64) CODEC(ZSTD(1)),
    output_tokens Nullable(Int64) CODEC(ZSTD(1)),
    cache_read_input_tokens Nullable(Int64) CODEC(ZSTD(1)),
    cache_write_input_tokens Nullable(Int64),
    tool_use_input_tokens Nullable(Int64),
    reasoning_output_tokens Nullable(Int64),
    text_input_tokens Nullable(Int64),
    image_input_tokens Nullable(Int64),
    audio_input_tokens Nullable(Int64),
    video_input_tokens Nullable(Int64),
    text_output_tokens Nullable(Int64),
    image_output_tokens Nullable(Int64),
    audio_output_tokens Nullable(Int64),
    video_output_tokens Nullable(Int64),
    text_cache_read_input_tokens Nullable(Int64),
    image_cache_read_input_tokens Nullable(Int64),
    audio_cache_read_input_tokens Nullable(Int64),
    video_cache_read_input_tokens Nullable(Int64),
    cost Nullable(Decimal(38, 12)) CODEC(ZSTD(1)),
    currency LowCardinality(String),
    cost_status LowCardinality(String),
    cost_source LowCardinality(String),
    saved_cost Nullable(Decimal(38, 12)),
    price_entry LowCardinality(Nullable(String)),
    request_id Nullable(String) CODEC(ZSTD(1)),
    response_id Nullable(String) CODEC(ZSTD(1)),
    captured_by LowCardinality(Nullable(String)),
    tags Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    line_items Array(Tuple(
        unit LowCardinality(String),
        quantity Int64,
        rate Decimal(38, 12),
        per Int64,
        amount Decimal(38, 12),
        rule LowCardinality(String)
    )) CODEC(ZSTD(1)),
    seq UInt64 CODEC(ZSTD(1)),
    day Date MATERIALIZED toDate(ifNull(started_at, toDateTime64(0, 6, 'UTC')), 'UTC')
)
ENGINE = ReplacingMergeTree(seq)
PARTITION BY day
ORDER BY (run_id, ifNull(stage_id, ''), call_id);

CREATE TABLE IF NOT EXISTS spans
(
    run_id String,
    span_id String CODEC(ZSTD(1)),
    parent_id Nullable(String) CODEC(ZSTD(1)),
    trace_id Nullable(String) CODEC(ZSTD(1)),
    kind LowCardinality(String),
    span LowCardinality(String),
    parent_span LowCardinality(Nullable(String)),
    stage_id LowCardinality(Nullable(String)),
    attempt Nullable(Int64),
    shard Nullable(Int64),
    session_id Nullable(String) CODEC(ZSTD(1)),
    status LowCardinality(String),
    error Nullable(String) CODEC(ZSTD(1)),
    started_at DateTime64(6, 'UTC') CODEC(ZSTD(1)),
    ended_at Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    wall_ms Nullable(Float64) CODEC(ZSTD(1)),
    cpu_ms Nullable(Float64) CODEC(ZSTD(1)),
    pid Nullable(Int64),
    node LowCardinality(Nullable(String)),
    tags Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    seq UInt64 CODEC(ZSTD(1)),
    day Date MATERIALIZED toDate(started_at, 'UTC')
)
ENGINE = ReplacingMergeTree(seq)
PARTITION BY day
ORDER BY (run_id, ifNull(stage_id, ''), ifNull(trace_id, ''), span_id);

CREATE TABLE IF NOT EXISTS attempts
(
    run_id String,
    stage_id LowCardinality(Nullable(String)),
    shard Nullable(Int64),
    attempt Int64,
    status LowCardinality(String),
    started_at Nullable(DateTime64(6, 'UTC')),
    ended_at Nullable(DateTime64(6, 'UTC')),
    wall_seconds Nullable(Float64),
    cpu_user_seconds Nullable(Float64),
    cpu_system_seconds Nullable(Float64),
    max_rss_bytes Nullable(Int64),
    peak_memory_bytes Nullable(Int64),
    io_read_bytes Nullable(Int64),
    io_write_bytes Nullable(Int64),
    exit_code Nullable(Int64),
    signal Nullable(Int64),
    error Nullable(String),
    day Date,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
PARTITION BY day
ORDER BY (run_id, ifNull(stage_id, ''), ifNull(shard, -1), attempt);

CREATE TABLE IF NOT EXISTS stages
(
    run_id String,
    stage_id LowCardinality(Nullable(String)),
    stage LowCardinality(Nullable(String)),
    module_id LowCardinality(Nullable(String)),
    status LowCardinality(String),
    started_at Nullable(DateTime64(6, 'UTC')),
    ended_at Nullable(DateTime64(6, 'UTC')),
    wall_seconds Nullable(Float64),
    cpu_user_seconds Nullable(Float64),
    cpu_system_seconds Nullable(Float64),
    max_rss_bytes Nullable(Int64),
    peak_memory_bytes Nullable(Int64),
    io_read_bytes Nullable(Int64),
    io_write_bytes Nullable(Int64),
    exit_code Nullable(Int64),
    signal Nullable(Int64),
    items_in Nullable(Int64),
    items_out Nullable(Int64),
    attempts Int64,
    shards Nullable(Int64),
    calls Int64,
    input_tokens Nullable(Int64),
    output_tokens Nullable(Int64),
    cost Nullable(Decimal(38, 12)),
    cost_status LowCardinality(Nullable(String)),
    reused_from Nullable(String),
    day Date,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
PARTITION BY day
ORDER BY (run_id, isNull(stage_id), ifNull(stage_id, ''));

CREATE TABLE IF NOT EXISTS runs
(
    run_id String,
    recipe LowCardinality(Nullable(String)),
    status LowCardinality(Nullable(String)),
    started_at Nullable(DateTime64(6, 'UTC')),
    ended_at Nullable(DateTime64(6, 'UTC')),
    wall_seconds Nullable(Float64),
    cpu_seconds Nullable(Float64),
    calls Nullable(Int64),
    input_tokens Nullable(Int64),
    output_tokens Nullable(Int64),
    cost Nullable(Decimal(38, 12)),
    cost_status LowCardinality(Nullable(String)),
    currency LowCardinality(Nullable(String)),
    metered Nullable(Bool),
    mocked Nullable(Bool),
    git_sha Nullable(String),
    git_dirty Nullable(Bool),
    tags Map(LowCardinality(String), String),
    day Date,
    seq UInt64
)
ENGINE = ReplacingMergeTree(seq)
PARTITION BY day
ORDER BY run_id;
