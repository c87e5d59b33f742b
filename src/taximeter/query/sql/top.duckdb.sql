-- What was spent, by one key, the most first. $since: a time, or NULL for ever.
SELECT
    {key} AS key,
    count(DISTINCT c.run_id) AS runs,
    count(*) AS calls,
    sum(CASE WHEN c.cached THEN 0 ELSE coalesce(c.input_tokens, 0) END)::HUGEINT AS input_tokens,
    sum(CASE WHEN c.cached THEN 0 ELSE coalesce(c.output_tokens, 0) END)::HUGEINT AS output_tokens,
    sum(c.cost) AS cost,
    count(*) FILTER (c.cost_status IN ('unpriced', 'partial') AND c.status <> 'failed') AS unpriced,
    quantile_cont(c.request_ms, 0.5) AS p50_ms,
    quantile_cont(c.request_ms, 0.95) AS p95_ms,
    any_value(c.currency) AS currency
FROM calls c JOIN runs r USING (run_id) {join}
WHERE $since::TIMESTAMPTZ IS NULL OR coalesce(c.started_at, r.started_at) >= $since::TIMESTAMPTZ
GROUP BY 1
ORDER BY cost DESC NULLS LAST, calls DESC, 1
