-- The tables of taximeter on a cluster: what `taximeter ship` makes on a single server, split over the shards of
-- `fleet` by run and kept by each replica. Carry this out once, before anything is shipped; then ship to any node. The
-- cluster needs the macros {shard} and {replica}, and the storage policy `tiered` with the volumes `hot` and `cold`.

CREATE DATABASE IF NOT EXISTS taximeter ON CLUSTER fleet;

CREATE TABLE IF NOT EXISTS taximeter.taximeter_migrations ON CLUSTER fleet
(
    number UInt32,
    name String,
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/taximeter/taximeter_migrations', '{shard}-{replica}')
ORDER BY number;

CREATE TABLE IF NOT EXISTS taximeter.calls_local ON CLUSTER fleet
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/taximeter/calls', '{replica}', seq)
PARTITION BY day
ORDER BY (run_id, ifNull(stage_id, ''), call_id)
TTL day + INTERVAL 30 DAY TO VOLUME 'cold', day + INTERVAL 400 DAY DELETE
SETTINGS storage_policy = 'tiered', ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS taximeter.calls ON CLUSTER fleet AS taximeter.calls_local
ENGINE = Distributed(fleet, taximeter, calls_local, cityHash64(run_id));

CREATE TABLE IF NOT EXISTS taximeter.spans_local ON CLUSTER fleet
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/taximeter/spans', '{replica}', seq)
PARTITION BY day
ORDER BY (run_id, ifNull(stage_id, ''), ifNull(trace_id, ''), span_id)
TTL day + INTERVAL 30 DAY TO VOLUME 'cold', day + INTERVAL 400 DAY DELETE
SETTINGS storage_policy = 'tiered', ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS taximeter.spans ON CLUSTER fleet AS taximeter.spans_local
ENGINE = Distributed(fleet, taximeter, spans_local, cityHash64(run_id));

CREATE TABLE IF NOT EXISTS taximeter.attempts_local ON CLUSTER fleet
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/taximeter/attempts', '{replica}', seq)
PARTITION BY day
ORDER BY (run_id, ifNull(stage_id, ''), ifNull(shard, -1), attempt)
TTL day + INTERVAL 90 DAY TO VOLUME 'cold'
SETTINGS storage_policy = 'tiered', ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS taximeter.attempts ON CLUSTER fleet AS taximeter.attempts_local
ENGINE = Distributed(fleet, taximeter, attempts_local, cityHash64(run_id));

CREATE TABLE IF NOT EXISTS taximeter.stages_local ON CLUSTER fleet
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/taximeter/stages', '{replica}', seq)
PARTITION BY day
ORDER BY (run_id, isNull(stage_id), ifNull(stage_id, ''))
TTL day + INTERVAL 90 DAY TO VOLUME 'cold'
SETTINGS storage_policy = 'tiered', ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS taximeter.stages ON CLUSTER fleet AS taximeter.stages_local
ENGINE = Distributed(fleet, taximeter, stages_local, cityHash64(run_id));

CREATE TABLE IF NOT EXISTS taximeter.runs_local ON CLUSTER fleet
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/taximeter/runs', '{replica}', seq)
PARTITION BY day
ORDER BY run_id
TTL day + INTERVAL 90 DAY TO VOLUME 'cold'
SETTINGS storage_policy = 'tiered', ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS taximeter.runs ON CLUSTER fleet AS taximeter.runs_local
ENGINE = Distributed(fleet, taximeter, runs_local, cityHash64(run_id));

CREATE VIEW IF NOT EXISTS taximeter.line_items ON CLUSTER fleet AS
SELECT
    run_id, call_id, stage_id, model, started_at,
    item.unit AS unit, item.quantity AS quantity, item.rate AS rate, item.per AS per, item.amount AS amount, item.rule AS rule
FROM taximeter.calls FINAL
ARRAY JOIN line_items AS item;

CREATE VIEW IF NOT EXISTS taximeter.costs ON CLUSTER fleet AS
SELECT
    day, model, stage_id, currency,
    count() AS calls,
    countIf(status = 'failed') AS failed_calls,
    countIf(cached) AS cached_calls,
    countIf(cost_status IN ('unpriced', 'partial') AND status <> 'failed') AS unpriced,
    sum(if(cached, 0, toInt128(ifNull(input_tokens, 0)))) AS input_tokens,
    sum(if(cached, 0, toInt128(ifNull(output_tokens, 0)))) AS output_tokens,
    sum(cost) AS cost,
    sum(saved_cost) AS saved_cost
FROM taximeter.calls FINAL
GROUP BY day, model, stage_id, currency;

CREATE VIEW IF NOT EXISTS taximeter.cost_by_day ON CLUSTER fleet AS
SELECT day, currency, sum(calls) AS calls, sum(unpriced) AS unpriced, sum(cost) AS cost
FROM taximeter.costs GROUP BY day, currency;

CREATE VIEW IF NOT EXISTS taximeter.cost_by_model ON CLUSTER fleet AS
SELECT model, currency, sum(calls) AS calls, sum(unpriced) AS unpriced, sum(cost) AS cost
FROM taximeter.costs GROUP BY model, currency;

CREATE VIEW IF NOT EXISTS taximeter.cost_by_stage ON CLUSTER fleet AS
SELECT stage_id, currency, sum(calls) AS calls, sum(unpriced) AS unpriced, sum(cost) AS cost
FROM taximeter.costs GROUP BY stage_id, currency;

INSERT INTO taximeter.taximeter_migrations (number, name) VALUES (1, 'tables'), (2, 'views');
