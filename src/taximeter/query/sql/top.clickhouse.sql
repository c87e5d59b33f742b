-- What was spent, by one key, the most first. since: a time, or NULL for ever; zone: a time zone.
SELECT
    {key} AS key,
    uniqExact(c.run_id) AS runs,
    count() AS calls,
    sum(if(c.cached, 0, toInt128(ifNull(c.input_tokens, 0)))) AS input_tokens,
    sum(if(c.cached, 0, toInt128(ifNull(c.output_tokens, 0)))) AS output_tokens,
    sum(c.cost) AS cost,
    countIf(c.cost_status IN ('unpriced', 'partial') AND c.status <> 'failed') AS unpriced,
    quantileExactInclusive(0.5)(c.request_ms) AS p50_ms,
    quantileExactInclusive(0.95)(c.request_ms) AS p95_ms,
    any(c.currency) AS currency
FROM calls AS c INNER JOIN runs AS r USING (run_id) {join}
WHERE {since:Nullable(DateTime64(6, 'UTC'))} IS NULL
   OR coalesce(c.started_at, r.started_at) >= {since:Nullable(DateTime64(6, 'UTC'))}
GROUP BY key
ORDER BY cost DESC NULLS LAST, calls DESC, key
