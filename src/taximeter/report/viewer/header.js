// The top of the page: what it was, what it took, and how that differs from another run.
function drawHeader(report, baseline) {
  const chips = [el("span", { class: `chip ${report.status}`, text: report.status.replace("_", " ") })];
  if (report.mocked) chips.push(el("span", { class: "chip mock", text: "mock" }));
  const facts = [report.recipe_name && `recipe ${brief(report.recipe_name)}`, report.started_at && `started ${moment(report.started_at)}`,
    report.ended_at && `ended ${moment(report.ended_at)}`, ...Object.entries(report.tags).map(([key, value]) => `${brief(key)} = ${brief(value)}`)];
  return [
    el("div", { class: "name" }, el("h1", { text: visible(report.run_id) }), ...chips),
    el("p", { class: "facts", text: facts.filter(Boolean).join(" · ") }),
    report.error ? el("p", { class: "error", text: brief(report.error, 400) }) : null,
    report.summary ? el("p", { class: "summary", text: visible(report.summary) }) : null,
    el("dl", { class: "tiles" }, ...tiles(report, baseline)),
  ].filter(Boolean);
}

const moment = (iso) => visible(iso).slice(0, 19).replace("T", " ") + " UTC";

function tiles(report, before) {
  const head = report.headline, currency = report.pricing.currency;
  const cash = (value) => money(value, currency);
  const tile = (title, field, words, note, badge) => {
    const change = before && field ? difference(before[field], head[field]) : null;
    return el("div", { class: "tile" }, el("dt", { text: title }),
      el("dd", { text: words(head[field]) }, badge, ...[note, change].filter(Boolean).map((line) => el("small", { text: line }))));
  };
  const times = (value) => (known(value) ? value.toFixed(2) + "×" : UNKNOWN);
  const wall = tile("wall time", "wall_seconds", seconds);
  if (!report.metered) return [wall, el("div", { class: "tile" }, el("dt", { text: "metering" }), el("dd", { text: "not metered" }))];
  return [
    wall,
    tile("cost", "cost", () => costText(head, currency), null, known(head.cost_status) && head.cost_status !== "unpriced" ? el("span", { class: `sureness ${head.cost_status}`, text: head.cost_status }) : null),
    tile("calls", "calls", count, report.totals.failed_calls ? `${count(report.totals.failed_calls)} failed` : null),
    tile("tokens in", "prompt_tokens", count), tile("cached in", "cache_read_input_tokens", count),
    tile("tokens out", "completion_tokens", count), tile("embedded", "embedding_tokens", count),
    tile("peak memory", "peak_memory_bytes", size, "largest stage"),
    tile("CPU", "cpu_seconds", seconds, known(head.cpu_seconds) ? `${hours(head.cpu_seconds)} CPU hours` : null),
    tile("parallel efficiency", "parallelism", times, "stage time / wall"),
    tile("cost / 1,000 items", "cost_per_1000_items", cash, known(head.items) ? `${count(head.items)} items` : null),
    report.critical_path.stages.length ? tile("critical path", null, () => seconds(report.critical_path.seconds), plural(report.critical_path.stages.length, "stage")) : null,
  ].filter(Boolean);
}

const hours = (value) => (value >= 3600 ? (value / 3600).toFixed(2) : String(Number((value / 3600).toPrecision(2))));

function difference(before, now) {
  if (!known(before) || !known(now)) return "no comparison";
  if (before === now) return "± same";
  return before ? `${now > before ? "▲ +" : "▼ −"}${Math.abs((100 * (now - before)) / before).toFixed(1)} %` : "▲ new";
}
