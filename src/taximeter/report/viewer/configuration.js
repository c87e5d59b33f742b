// What the run was made from: machine, prices, and the snapshots that the run directory keeps.
function drawConfiguration(report) {
  return el("dl", { class: "card pair" }, ...configuration(report).flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]));
}

function configuration(report) {
  const { env, pricing } = report, one = (unit, r, currency) => `${brief(unit)} ${money(r.rate, currency)} / ${count(r.per)}`;
  const rate = (r) => (r.free ? "free" : [
    ...Object.entries(r.units).map(([unit, u]) => one(unit, u, r.currency || pricing.currency)),
    ...r.special.map((s) => `${one(s.unit, s, pricing.currency)} (${brief(s.rule, 200)})`),
  ].join(", "));
  return [
    ["recipe", report.recipe_path && brief(report.recipe_path, 300)], ["Python", env.python_version && brief(env.python_version)], ["platform", env.platform && brief(env.platform, 200)],
    ["CPUs", known(env.cpu_count) ? count(env.cpu_count) : null], ["taximeter", env.taximeter_version && brief(env.taximeter_version)],
    ["price sheet", pricing.source && `${brief(pricing.source, 200)}${pricing.updated_at ? `, ${brief(pricing.updated_at)}` : ""}`], ["sheet id", pricing.sheet_id && brief(pricing.sheet_id)],
    ...Object.entries(pricing.models).map(([model, rates]) => [brief(model), rate(rates)]),
  ].filter(([, value]) => value);
}

const SNAPSHOT_WORDS = { "recipe.yaml": "recipe", "settings.yaml": "settings", "instrumentation.yaml": "instrumentation", "plan.json": "plan", "pricing.json": "price sheet", "registry.json": "modules" };

// `unfolded` remembers which ones a person has opened.
function drawSnapshots(report, unfolded) {
  return (report.snapshots || []).map(({ name, size: bytes, text }) => {
    const cut = new TextEncoder().encode(text).length < bytes ? `the beginning of ${size(bytes)}` : size(bytes);
    return el("details", { class: "card snapshot", open: unfolded.has(name), on: { toggle: (event) => (event.target.open ? unfolded.add(name) : unfolded.delete(name)) } },
      el("summary", {}, own(SNAPSHOT_WORDS, name) || brief(name), el("span", { class: "hint", text: ` snapshots/${brief(name)} · ${cut}` })),
      el("pre", { tabindex: 0, role: "region", "aria-label": brief(name), text: text.split("\n").map(visible).join("\n") }));
  });
}
