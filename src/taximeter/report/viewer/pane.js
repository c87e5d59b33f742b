// The side pane: all that is known of one stage, above and below its log and files. Its address is #stage=ID.
function drawPane(report, stage, close) {
  const currency = report.pricing.currency, totals = stage.llm_totals, per = stage.per_1000_items, latency = stage.latency;
  const tokens = [["in", totals.prompt_tokens], ["cache read", totals.cache_read_input_tokens], ["cache write", totals.cache_write_input_tokens], ["tool use", totals.tool_use_input_tokens],
    ["embedding", totals.embedding_tokens], ["out", totals.completion_tokens], ["reasoning", totals.reasoning_output_tokens]].filter(([, n]) => n).map(([kind, n]) => `${kind} ${count(n)}`).join(", ");
  const facts = [
    ["shards", spreadText(stage.spread, currency)], ["status", stage.status + (stage.stale ? ", stale" : "") + (stage.mocked ? ", mock" : "")], ["progress", progressText(stage)], ["runs", known(stage.extra?.runs) ? `${count(stage.extra.runs)}${stage.extra.failed_runs ? `, ${count(stage.extra.failed_runs)} failed` : ""}` : null], ["module", stage.module_id && brief(stage.module_id)],
    ["waits for", stage.needs.length ? stage.needs.map((id) => stageName(id)).join(", ") : null], ["wall", seconds(stage.wall_seconds)], ["CPU", method(stage, "cpu_user_seconds", seconds(cpu(stage)))],
    ["waiting for models", known(latency.waiting_ms) ? `${latency.waiting_method === "sampled" ? "≈ " : ""}${millis(latency.waiting_ms)}, ${percent(latency.waiting_ms / 1000, stage.wall_seconds)} of the wall time` : null],
    ["latency of calls", latency.calls ? `p50 ${millis(latency.p50_ms)}, p95 ${millis(latency.p95_ms)}, longest ${millis(latency.longest_ms)}, added up ${millis(latency.total_ms)}` : null],
    ["peak memory", method(stage, "peak_memory_bytes", size(stage.peak_memory_bytes))], ["largest process", method(stage, "max_rss_bytes", size(stage.max_rss_bytes))],
    ["read, written", `${size(stage.io_read_bytes)}, ${size(stage.io_write_bytes)}`], ["items in, out", `${count(stage.items_in)}, ${count(stage.items_out)}`],
    ["per 1,000 items", per && `${seconds(per.wall_seconds)}, ${count(Math.round(per.tokens))} tokens, ${money(per.cost, currency)}`],
    ["tokens", tokens || null], ["cost", costText(totals, currency)], ["reused from", stage.reused_from && [brief(stage.reused_from), stage.reused && `there it took ${seconds(stage.reused.wall_seconds)} and cost ${costText(stage.reused.llm_totals, currency)}`].filter(Boolean).join("; ")],
  ].filter(([, fact]) => fact);
  const attempts = [["attempt", (a) => count(a.attempt), "left"], ["status", (a) => a.status, "left"], ["wall", (a) => seconds(a.wall_seconds)], ["exit", (a) => (known(a.signal) ? `signal ${a.signal}` : known(a.exit_code) ? String(a.exit_code) : UNKNOWN)], ["error", (a) => (a.error ? brief(a.error, 200) : ""), "left"]];
  return { about: [
    el("button", { type: "button", text: "close", on: { click: close } }), el("h2", { text: stageName(stage.id) }),
    stage.description ? el("p", { class: "hint", text: visible(stage.description) }) : null,
    own(report.modules, stage.id) ? el("p", { class: "notes", text: own(report.modules, stage.id).trim().split("\n").map(visible).join("\n") }) : null,
    el("dl", { class: "pair" }, ...facts.flatMap(([name, fact]) => [el("dt", { text: name }), el("dd", { text: fact })])),
    ...(stage.attempts.length ? [el("h3", { text: "Attempts" }), tableOf("Attempts", attempts, stage.attempts)] : []),
    ...(stage.shards.length ? drawShardTable(stage, currency) : []),
  ].filter(Boolean), calls: [
    ...(stage.llm_calls.length ? [el("h3", { text: "Most expensive calls" }), tableOf("Calls of the stage", callColumns(report), stage.llm_calls)] : []),
    stage.llm_calls_omitted ? el("p", { class: "hint", text: `${plural(stage.llm_calls_omitted, "more call")} not listed; all are in the totals.` }) : null,
  ].filter(Boolean) };
}

function method(stage, figure, text) {
  const how = stage.methods[figure];
  return how && how !== "missing" ? `${text} (${how})` : text;
}
