// Two runs side by side: their stages aligned by name, and what has become more or less.
const MOST_NAMED = 400;

class Compare {
  constructor() {
    const asked = new URLSearchParams(location.search);
    this.ids = { a: asked.get("a") || "", b: asked.get("b") || "" };
    this.reports = {};
    const names = el("datalist", { id: "run-names" });
    this.names = names;
    this.inputs = Object.fromEntries([["a", "before"], ["b", "now"]].map(([side, title]) => [side, el("input", { list: "run-names", value: this.ids[side], placeholder: "a run", spellcheck: "false", autocomplete: "off", "aria-label": title, on: { change: (event) => this.choose(side, event.target.value.trim()) } })]));
    this.result = el("div", {});
    this.element = el("div", {}, el("h1", { text: "Compare" }), el("div", { class: "pickers" }, el("label", {}, "before", this.inputs.a), el("label", {}, "now", this.inputs.b)), names, this.result);
    document.title = "Compare · taximeter";
  }

  runs(known) {
    const rows = [...known.values()].filter((row) => !row.gone).sort((a, b) => (b.at ?? 0) - (a.at ?? 0));
    this.names.replaceChildren(...rows.slice(0, MOST_NAMED).map((row) => el("option", { value: row.id })));
    if (this.begun) return;
    this.begun = true;
    if (!this.ids.b && rows.length) this.ids.b = rows[0].id;
    if (!this.ids.a) { // the one before it, of the same recipe
      const at = rows.findIndex((row) => row.id === this.ids.b), later = rows.slice(at + 1);
      this.ids.a = (later.find((row) => row.recipe === rows[at]?.recipe && !row.mocked) || later[0])?.id || "";
    }
    for (const side of ["a", "b"]) this.choose(side, this.ids[side]);
  }

  async choose(side, id) {
    this.ids[side] = this.inputs[side].value = id;
    const query = new URLSearchParams(location.search);
    query.set(side, id);
    history.replaceState(null, "", "/compare?" + query);
    this.reports[side] = null;
    if (id) {
      const answer = await fetch("/api/runs/" + encodeURIComponent(id)), found = await answer.json();
      if (this.ids[side] !== id) return;
      this.reports[side] = answer.ok ? found : null;
      if (!answer.ok) { this.result.replaceChildren(el("p", { class: "hint", text: brief(found.error, 300) })); return; }
    }
    const { a, b } = this.reports;
    if (a && b) this.result.replaceChildren(...drawCompared(a, b));
    else if (!this.ids.a || !this.ids.b) this.result.replaceChildren(el("p", { class: "hint", text: "It takes two runs to compare." }));
  }
}

function drawCompared(a, b) {
  const currency = b.pricing.currency, same = a.pricing.currency === currency;
  const head = (report, field) => (report.headline ? report.headline[field] : report[field]);
  const tile = (title, field, words) => {
    const [before, now] = [head(a, field), head(b, field)];
    return el("div", { class: "tile" }, el("dt", { text: title }), el("dd", { text: words(now) }, el("small", { text: `before ${words(before)}` }), changed(before, now, words, "small")));
  };
  const tiles = [tile("wall time", "wall_seconds", seconds)];
  if (a.metered && b.metered) {
    if (same) tiles.push(tile("cost", "cost", (value) => money(value, currency)));
    tiles.push(tile("calls", "calls", count), tile("tokens in", "prompt_tokens", count), tile("tokens out", "completion_tokens", count), tile("CPU", "cpu_seconds", seconds));
  }
  const legend = el("p", { class: "facts", text: "▲ more, ▼ less than before" });
  return [el("dl", { class: "tiles" }, ...tiles), legend, section("Stages", null, drawAligned(a, b, currency, same))];
}

function drawAligned(a, b, currency, same) {
  const before = new Map(a.stages.map((stage) => [stage.id, stage])), now = new Map(b.stages.map((stage) => [stage.id, stage]));
  const rows = [...b.stages.map((stage) => [before.get(stage.id), stage]), ...a.stages.filter((stage) => !now.has(stage.id)).map((stage) => [stage, null])];
  const tokens = (stage) => stage.llm_totals.prompt_tokens + stage.llm_totals.completion_tokens;
  const figures = [["wall", (stage) => stage.wall_seconds, seconds]];
  if (a.metered && b.metered) figures.push(...(same ? [["cost", (stage) => stage.llm_totals.cost, (value) => money(value, currency)]] : []), ["tokens", tokens, count]);
  const columns = [["stage", ([old, made]) => el("span", { text: stageName((made || old).id) }), "left long"], ["status", ([old, made]) => fate(old, made), "left"],
    ...figures.flatMap(([title, figure, words]) => [[title + " before", ([old]) => (old ? words(figure(old)) : ""), "sep"], [title, ([, made]) => (made ? words(figure(made)) : "")], ["change", ([old, made]) => (old && made ? changed(figure(old), figure(made), words, "span") : "")]])];
  const table = tableOf("Stages of both runs", columns, rows);
  table.classList.add("compare");
  return table;
}

function fate(old, made) {
  if (!old) return el("span", { class: "chip", text: "added" });
  if (!made) return el("span", { class: "chip mock", text: "removed" });
  return old.status === made.status ? el("span", { class: made.status, text: made.status.replace("_", " ") }) : el("span", { class: made.status, text: `${old.status} → ${made.status}`.replaceAll("_", " ") });
}

function changed(before, now, words, tag) {
  if (!known(before) || !known(now)) return el(tag, { text: UNKNOWN });
  if (before === now) return el(tag, { text: "same" });
  const more = now > before, part = before ? ` ${((100 * Math.abs(now - before)) / before).toFixed(before > Math.abs(now - before) / 10 ? 1 : 0)} %` : "";
  return el(tag, { class: more ? "worse" : "better", text: `${more ? "▲" : "▼"} ${words(Math.abs(now - before))}${part ? " ·" + part : ""}` });
}
