-- Over FINAL: a view that is kept up by inserts would count a call once more each time it is sent.

CREATE VIEW IF NOT EXISTS line_items AS
SELECT
    run_id, call_id, stage_id, model, started_at,
    item.unit AS unit, item.quantity AS quantity, item.rate AS rate, item.per AS per, item.amount AS amount, item.rule AS rule
FROM calls FINAL
ARRAY JOIN line_items AS item;

CREATE VIEW IF NOT EXISTS costs AS
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
FROM calls FINAL
GROUP BY day, model, stage_id, currency;

CREATE VIEW IF NOT EXISTS cost_by_day AS
SELECT day, currency, sum(calls) AS calls, sum(unpriced) AS unpriced, sum(cost) AS cost
FROM costs GROUP BY day, currency;

CREATE VIEW IF NOT EXISTS cost_by_model AS
SELECT model, currency, sum(calls) AS calls, sum(unpriced) AS unpriced, sum(cost) AS cost
FROM costs GROUP BY model, currency;

CREATE VIEW IF NOT EXISTS cost_by_stage AS
SELECT stage_id, currency, sum(calls) AS calls, sum(unpriced) AS unpriced, sum(cost) AS cost
FROM costs GROUP BY stage_id, currency;
