// Above the page of a run: which models it used, where its reports are, and what happened last.
function drawSummary(report) {
  const currency = report.pricing.currency, address = "/api/runs/" + encodeURIComponent(report.run_id), totals = report.totals;
  const models = Object.entries(totals.per_model).sort(([, a], [, b]) => (b.cost || 0) - (a.cost || 0) || b.calls - a.calls);
  const most = Math.max(1e-12, ...models.map(([, of]) => of.cost || 0));
  const rows = models.slice(0, 5).flatMap(([name, of]) => [
    el("span", { class: "name", title: visible(name), text: brief(name, 60) }), el("span", { class: "num", text: plural(of.calls, "call") }), el("span", { class: "num", text: costText(of, currency) }),
    el("span", { class: "share" }, of.cost ? el("div", { class: "fill cost", style: { width: `${(100 * of.cost) / most}%` } }) : null)]);
  const said = report.metered ? [costText(totals, currency), plural(totals.calls, "call"), `${count(totals.prompt_tokens + totals.completion_tokens)} tokens`].join(" · ") : "not metered";
  const link = (text, href, download) => el("a", { text, href, download: download || null });
  const links = el("div", { class: "links" }, link("JSON", address + "/report.json"), link("Markdown", address + "/report.md"), link("HTML", address + "/report.html", true),
    el("span", { class: "end" }), link("Compare", "/compare?now=" + encodeURIComponent(report.run_id)), report.recipe_name ? link("Trend", "/trend?recipe=" + encodeURIComponent(report.recipe_name)) : null);
  const rest = models.length > 5 ? el("span", { class: "hint", text: `and ${plural(models.length - 5, "more model")}` }) : null;
  return section("Models", said, el("div", { class: "card tall" }, el("div", { class: "models" }, ...(rows.length ? rows : [el("span", { class: "hint", text: report.metered ? "no calls yet" : "Run with --instrument to see calls and cost." })]), rest), links));
}

function drawRecent(report) {
  const steps = [...(report.recent || [])].reverse();
  if (!steps.length) return null; // a program that no driver started tells none
  const items = steps.map((step) => {
    const known = STAGE_STATUSES.has(step.status) ? step.status : "pending";
    const percent = known === "running" && typeof step.percent === "number" ? `${step.percent} %` : "";
    return el("li", {}, el("time", { text: typeof step.timestamp === "string" ? clock(step.timestamp) : "" }), el("span", { title: step.stage ? visible(step.stage) : null, text: step.stage ? brief(step.stage, 60) : "run" }),
      el("span", {}, el("span", { class: known, text: brief(step.status || "", 20).replace("_", " ") }), [percent, step.message ? brief(step.message, 200) : ""].filter(Boolean).map((word) => " · " + word).join("")));
  });
  const list = el("ol", { class: "recent", tabindex: 0, "aria-label": "Recent events, newest first" }, ...items);
  return section("Recent events", "newest first", el("div", { class: "card" }, list));
}

const STAGE_STATUSES = new Set(["pending", "running", "done", "failed", "cancelled", "skipped", "reused", "lost", "over_budget"]);

function clock(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "" : at.toLocaleTimeString("en-GB");
}
