// Two runs side by side: their stages aligned by name, what has become more or less, and why.
const MOST_NAMED = 400, NOISE = 1; // percent: no colour for what is less

class Compare {
  constructor() {
    const asked = new URLSearchParams(location.search);
    this.ids = { before: asked.get("before") || "", now: asked.get("now") || "" };
    this.names = el("datalist", { id: "run-names" });
    const input = (side) => el("input", { list: "run-names", value: this.ids[side], placeholder: "a run", spellcheck: "false", autocomplete: "off", on: { change: (event) => this.choose({ [side]: event.target.value.trim() }) } });
    this.inputs = { before: input("before"), now: input("now") };
    this.result = el("div", {});
    this.element = el("div", {}, el("h1", { text: "Compare" }), el("div", { class: "pickers" }, el("label", {}, "before", this.inputs.before), el("label", {}, "now", this.inputs.now)), this.names, this.result);
    document.title = "Compare · taximeter";
  }

  runs(known_runs) {
    const rows = [...known_runs.values()].filter((row) => !row.gone).sort((a, b) => (b.at ?? 0) - (a.at ?? 0));
    this.names.replaceChildren(...rows.slice(0, MOST_NAMED).map((row) => el("option", { value: row.id })));
    if (this.begun) return;
    this.begun = true;
    const now = this.ids.now || rows[0]?.id || "", at = rows.findIndex((row) => row.id === now), earlier = rows.slice(at + 1);
    const before = this.ids.before || (earlier.find((row) => row.recipe === rows[at]?.recipe && !row.mocked) || earlier[0])?.id || "";
    this.choose({ before, now });
  }

  async choose(ids) {
    Object.assign(this.ids, ids);
    const { before, now } = this.ids, query = new URLSearchParams({ before, now });
    for (const side of ["before", "now"]) this.inputs[side].value = this.ids[side];
    history.replaceState(null, "", "/compare?" + query);
    const say = (text) => this.result.replaceChildren(el("p", { class: "hint", text }));
    if (!before || !now) return say("It takes two runs to compare.");
    const answer = await fetch("/api/compare?" + query), found = await answer.json();
    if (before !== this.ids.before || now !== this.ids.now) return;
    if (answer.ok) this.result.replaceChildren(...drawCompared(found)); else say(brief(found.error, 300));
  }
}

function drawCompared(found) {
  const { run, currency } = found, cash = (value) => money(value, currency);
  const tile = (title, field, words) => {
    const [before, now] = [run.before[field], run.now[field]];
    return el("div", { class: "tile" }, el("dt", { text: title }), el("dd", { text: words(now) }, el("small", { text: `before ${words(before)}` }), changed(before, now, words)));
  };
  const tiles = [tile("wall time", "wall_seconds", seconds), tile("cost", "cost", cash), tile("calls", "calls", count), tile("tokens in", "prompt_tokens", count), tile("tokens out", "completion_tokens", count), tile("CPU", "cpu_seconds", seconds)];
  const changes = found.changes.map((change) => el("li", {}, el("span", { text: change.kind }), el("span", { text: brief(change.what, 120) || " " }), el("span", { text: `${brief(change.before, 160)} → ${brief(change.now, 160)}` })));
  return [
    el("dl", { class: "tiles" }, ...tiles), el("p", { class: "facts", text: "▲ more, ▼ less than before" }),
    section("Stages", null, drawAligned(found, cash)),
    ...(run.cost_effects && run.cost_effects.total ? [section("Why the cost differs", null, drawEffects(run.cost_effects, cash))] : []),
    section("What was changed", null, changes.length ? el("ul", { class: "card changes" }, ...changes) : el("p", { class: "hint", text: "Nothing that the runs know of." })),
    ...(found.notes.length ? [section("What to know", null, el("ul", { class: "card trust" }, ...found.notes.map((note) => el("li", { text: visible(note) }))))] : []),
  ];
}

function drawEffects(effects, cash) {
  const rows = [["usage", "more or fewer tokens of the same kinds"], ["price", "the same work at other prices"], ["mix", "other models, other kinds of tokens"]];
  const signed = (value) => (value > 0 ? "+" : "") + cash(value);
  return tableOf("Why the cost differs", [["effect", ([name]) => name, "left"], ["what it is", ([, what]) => what, "left"], ["cost", ([name]) => el("span", { class: effects[name] > 0 ? "worse" : effects[name] < 0 ? "better" : null, text: signed(effects[name]) })]], [...rows, ["total", "what the run cost more or less"]]);
}

function drawAligned(found, cash) {
  const tokens = (figures) => figures.prompt_tokens + figures.completion_tokens;
  const figures = [["wall", (f) => f.wall_seconds, seconds], ["cost", (f) => f.cost, cash], ["tokens", tokens, count]];
  const columns = [["stage", ({ id }) => stageName(id), "left long"], ["status", ({ before, now }) => fate(before, now), "left"],
    ...figures.flatMap(([title, figure, words]) => [[title + " before", ({ before }) => (before ? words(figure(before)) : "")], [title, ({ now }) => (now ? words(figure(now)) : "")],
      ["change", ({ before, now }) => (before && now ? changed(figure(before), figure(now), words) : "")]])];
  const table = tableOf("Stages of both runs", columns, found.stages);
  table.classList.add("compare");
  return table;
}

function fate(before, now) {
  if (!before) return el("span", { class: "chip", text: "added" });
  if (!now) return el("span", { class: "chip mock", text: "removed" });
  return el("span", { class: now.status, text: (before.status === now.status ? now.status : `${before.status} → ${now.status}`).replaceAll("_", " ") });
}

function changed(before, now, words) {
  if (!known(before) || !known(now)) return UNKNOWN;
  if (before === now) return el("span", { class: "change", text: "same" });
  const more = now > before, share = before ? (100 * Math.abs(now - before)) / before : null, noise = share !== null && share < NOISE;
  return el("span", { class: `change ${noise ? "" : more ? "worse" : "better"}` }, `${more ? "▲" : "▼"} ${words(Math.abs(now - before))}`,
    share === null ? null : el("small", { text: ` ${share < 1000 ? share.toFixed(1) : "> 999"} %` }));
}
