// Tables: stages, models by stage, the most expensive calls, spans.
function tableOf(label, columns, rows, onRow) {
  const head = el("tr", {}, ...columns.map(([title, , kind]) => el("th", { scope: "col", class: kind, text: title })));
  const body = rows.map((row) => {
    const cells = columns.map(([, cell, kind], i) => {
      const made = cell(row);
      const text = typeof made === "string" ? { text: made } : {};
      return el(i ? "td" : "th", { ...text, scope: i ? null : "row", class: made === UNKNOWN || (made === "0" && !kind) ? "nil" : kind, title: kind && typeof made === "string" ? made : null }, typeof made === "string" ? null : made);
    });
    return el("tr", onRow ? onRow(row) : {}, ...cells);
  });
  return el("div", { class: "card scroll", tabindex: 0, role: "region", "aria-label": `${label}, scrolls` },
    el("table", {}, el("thead", {}, head), el("tbody", {}, ...body)));
}

const pairOf = (one, other) => (one === UNKNOWN && other === UNKNOWN ? UNKNOWN : `${one} / ${other}`);
const latency = (stage) => (stage.latency.calls ? `${millis(stage.latency.p50_ms)} / ${millis(stage.latency.p95_ms)}` : UNKNOWN);

function stagesHint(report) {
  const sampled = report.stages.some((s) => s.latency.waiting_method === "sampled" || Object.values(s.methods).includes("sampled"));
  return report.metered ? [sampled ? "≈ sampled" : null, `${UNKNOWN} not known`, "waiting: share of the wall time in which a call was under way"].filter(Boolean).join(" · ") : "";
}

function drawStages(report, choose) {
  const currency = report.pricing.currency, totals = (s) => s.llm_totals, any = (field) => report.stages.some((s) => totals(s)[field]);
  const status = (s) => el("span", {}, el("span", { class: s.status, text: s.status.replace("_", " ") + (s.mocked ? " (mock)" : "") + (s.stale ? " (stale)" : "") }), progressOf(s));
  const marked = (text, how) => text + (how === "sampled" && text !== UNKNOWN ? " ≈" : ""), by = (s, figure, text) => marked(text, s.methods[figure]);
  const tokens = [["in", "prompt_tokens"], ["cached", "cache_read_input_tokens"], ["cache write", "cache_write_input_tokens"], ["tool use", "tool_use_input_tokens"], ["embedded", "embedding_tokens"], ["out", "completion_tokens"], ["reasoning", "reasoning_output_tokens"]];
  const always = new Set(["in", "cached", "out"]), per = (s, figure) => (s.per_1000_items ? figure(s.per_1000_items) : UNKNOWN);
  const plain = [["stage", (s) => stageName(s.id), "left long"], ["status", status, "left"], ["wall", (s) => by(s, "wall_seconds", seconds(s.wall_seconds))]];
  const metered = [
    ["cost", (s) => costText(totals(s), currency)], ["calls", (s) => count(totals(s).calls)], ["p50 / p95", latency],
    ["waiting", (s) => marked(known(s.latency.waiting_ms) ? percent(s.latency.waiting_ms / 1000, s.wall_seconds) : UNKNOWN, s.latency.waiting_method)],
    ...tokens.filter(([title, field]) => always.has(title) || any(field)).map(([title, field]) => [title, (s) => count(totals(s)[field])]),
    ["CPU", (s) => by(s, "cpu_user_seconds", seconds(cpu(s)))], ["CPU/wall", (s) => percent(cpu(s), s.wall_seconds)], ["memory", (s) => by(s, "peak_memory_bytes", size(s.peak_memory_bytes))],
    ["read / written", (s) => by(s, "io_write_bytes", pairOf(size(s.io_read_bytes), size(s.io_write_bytes)))], ["items", (s) => count(s.items_out)],
    ...(report.stages.some((s) => s.per_1000_items) ? [["cost/1k", (s) => per(s, (p) => money(p.cost, currency))]] : []),
    ...(report.stages.some((s) => s.spread) ? [["shards", (s) => (s.spread ? `${count(s.spread.done)} of ${count(s.spread.count)}` : UNKNOWN)]] : []),
    ["tries", (s) => (s.attempts.length || !s.started_at ? count(s.attempts.length) : UNKNOWN)],
  ];
  return tableOf("Stages", report.metered ? [...plain, ...metered] : plain, report.stages,
    (s) => ({ tabindex: 0, class: "stage", data: { stage: JSON.stringify(s.id) }, on: { click: () => choose(s.id) } }));
}

// The darker a cell, the larger its part of the dearest one.
function drawMatrix(report) {
  const models = Object.keys(report.totals.per_model).sort((a, b) => (report.totals.per_model[b].cost || 0) - (report.totals.per_model[a].cost || 0));
  const shown = models.slice(0, 12), currency = report.pricing.currency, stages = report.stages.filter((s) => s.llm_totals.calls);
  const dearest = Math.max(0, ...stages.flatMap((s) => Object.values(s.llm_totals.per_model).map((t) => t.cost || 0)));
  const cell = (totals, shaded) => {
    const made = el("span", { class: "heat", text: totals ? costText(totals, currency) : "" });
    if (shaded && totals && totals.cost && dearest) made.style.setProperty("--heat", `${Math.round((34 * totals.cost) / dearest)}%`);
    return made;
  };
  const rows = [...stages, { id: false, llm_totals: report.totals }];
  const columns = [["stage", (s) => (s.id === false ? "run" : stageName(s.id)), "left long"], ...shown.map((m) => [brief(m, 30), (s) => cell(own(s.llm_totals.per_model, m), s.id !== false)]),
    ["all models", (s) => cell(s.llm_totals, false)]];
  const rest = models.length - shown.length;
  return [tableOf("Cost by stage and model", columns, rows), rest > 0 ? el("p", { class: "hint", text: `${rest} cheaper models are not shown.` }) : null];
}

function callColumns(report) {
  return [["model", (c) => brief(c.model, 40), "left long"], ["cost", (c) => costText(c, report.pricing.currency)], ["in", (c) => count(c.prompt_tokens)],
    ["out", (c) => count(c.completion_tokens)], ["took", (c) => millis(c.request_ms)], ["try", (c) => count(c.attempt)], ["request", (c) => (c.request_id ? brief(c.request_id, 40) : UNKNOWN), "left long"]];
}

function drawCalls(report) {
  const calls = report.stages.flatMap((s) => s.llm_calls).sort((a, b) => (b.cost || 0) - (a.cost || 0)).slice(0, 15);
  const columns = callColumns(report);
  columns.splice(1, 0, ["stage", (c) => stageName(c.stage_id), "left long"]);
  return tableOf("Most expensive calls", columns, calls);
}

function drawSpans(report) {
  const nodes = report.spans.nodes, depths = [];
  nodes.forEach((n) => depths.push(known(n.parent) ? depths[n.parent] + 1 : 0));
  const longest = Math.max(1e-9, ...nodes.map((n) => n.total_seconds));
  const rows = nodes.map((n, i) => ({ ...n, depth: depths[i] }));
  const name = (n) => el("span", { text: brief(n.name), style: { "padding-left": Math.min(n.depth, 12) * 16 + "px" } });
  const part = (value, kind) => el("div", { class: `fill ${kind}`, style: { width: `${(120 * value) / longest}px` } });
  const track = (n) => el("div", { class: "spent" }, part(n.self_seconds, ""), part(Math.max(n.total_seconds - n.self_seconds, 0), "inside"));
  return tableOf("Spans", [["span", name, "left long"], ["stage", (n) => stageName(n.stage_id), "left long"], ["share", track, "left"], ["total", (n) => seconds(n.total_seconds)],
    ["self", (n) => seconds(n.self_seconds)], ["CPU", (n) => seconds(n.cpu_seconds)], ["count", (n) => count(n.count)], ["failed", (n) => (n.failed ? count(n.failed) : "")]], rows);
}

function drawTwins(report) {
  const all = report.stages.reduce((sum, s) => sum + (s.wall_seconds || 0), 0), cost = report.totals.cost || 0;
  const track = (value, whole, kind) => el("div", { class: "track" }, value && whole ? el("div", { class: `fill ${kind}`, style: { "flex-basis": `${(100 * value) / whole}%` } }) : null,
    el("span", { text: percent(value, whole) }));
  const rows = report.stages.flatMap((s) => [el("div", { class: "label", text: stageName(s.id) }), track(s.wall_seconds, all, ""), track(s.llm_totals.calls ? s.llm_totals.cost : 0, cost, "cost")]);
  return el("div", { class: "card twins" }, el("div", { class: "corner" }), el("div", { class: "title", text: "share of stage time" }), el("div", { class: "title", text: "share of cost" }), ...rows);
}
