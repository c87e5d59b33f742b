// Puts the page together, and keeps selection, zoom and scroll when new figures come.
class App {
  constructor(report) {
    this.choose = (id) => this.open(id);
    this.timeline = new TimelineView(report, this.choose, () => sourceOf(this));
    this.baseline = new BaselineChoice(() => sourceOf(this), () => this.drawTop());
    onPaper(this.timeline);
    this.lasting();
    this.opener = null;
    this.files = new StageFiles(() => sourceOf(this));
    this.unfolded = new Set(); // names of snapshots
    addEventListener("hashchange", () => this.follow());
    addEventListener("keydown", (event) => this.key(event));
    this.grip = new Grip(byId("grip"), byId("pane"));
    this.update(report);
    this.follow();
  }

  // What stays where it is while new figures come: somebody may be dragging or typing there.
  lasting() {
    this.hints = { timeline: el("span", { class: "hint" }), stages: el("span", { class: "hint" }) };
    this.legend = el("div", {});
    this.stages = el("div", {});
    this.search = el("input", { type: "search", id: "search", placeholder: "find a stage  /", "aria-label": "find a stage", on: { input: () => this.filter(this.search.value) } });
    const part = (title, hint, tools, ...content) => el("section", { "aria-label": title }, el("div", { class: "bar-head" }, el("h2", { text: title }), hint, tools), ...content);
    this.timelinePart = part("Timeline", this.hints.timeline, this.timeline.tools, el("div", { class: "card" }, this.timeline.canvas), this.legend);
    this.stagesPart = part("Stages", this.hints.stages, el("span", { class: "tools" }, this.search), this.stages);
  }

  update(report) {
    this.room = byId("page").clientWidth; // asked for before anything changes: a layout in between would move the page
    this.report = report;
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.stage : undefined;
    const node = document.activeElement?.dataset?.node;
    document.title = `${visible(report.run_id)} · ${report.status}`;
    this.drawTop();
    redraw(byId("page"), this.sections(report));
    this.timeline.update(report);
    if (node !== undefined) document.querySelectorAll("[data-node]").forEach((each) => { if (each.dataset.node === node) each.focus({ preventScroll: true }); });
    if (focused !== undefined) this.row(JSON.parse(focused))?.focus({ preventScroll: true });
    if (this.chosen !== undefined) this.show();
  }

  // The choice of a baseline stays where it is: somebody may be choosing.
  drawTop() {
    redraw(byId("top"), [...drawHeader(this.report, this.baseline.of(this.report)), this.baseline.element]);
  }

  sections(report) {
    this.hints.timeline.textContent = timelineHint(report);
    this.legend.replaceChildren(timelineLegend(report));
    const parts = [this.timelinePart];
    if (report.metered) parts.push(section("Where it went", null, drawTwins(report)));
    if (report.stages.some((s) => s.needs.length)) parts.push(report.stages.length > STAGES_DRAWN ? section("Graph", `not drawn: ${plural(report.stages.length, "stage")} are too many for a picture`) : section("Graph", null, ...drawGraph(report, this.choose, this.room)));
    this.hints.stages.textContent = stagesHint(report);
    this.stages.replaceChildren(drawStages(report, this.choose));
    parts.push(this.stagesPart);
    if (report.totals.calls) {
      parts.push(section("Cost by stage and model", null, ...drawMatrix(report).filter(Boolean)));
      if (report.stages.some((s) => s.llm_calls.length)) parts.push(section("Most expensive calls", null, drawCalls(report)));
    }
    if (report.spans.nodes.length) parts.push(section("Spans", report.spans.left_out ? `${plural(report.spans.left_out, "span")} left out` : "added up over all processes · dark: in the span itself, light: in spans inside it", drawSpans(report)));
    parts.push(section("What to trust", null, el("ul", { class: "card trust" }, ...report.notes.map((note) => el("li", { text: visible(note) })))));
    parts.push(this.configuration(report));
    this.filter(this.search.value);
    return parts;
  }

  // Made anew only when it has changed: somebody may be reading a snapshot.
  configuration(report) {
    const told = JSON.stringify([report.run_id, report.recipe_path, report.env, report.pricing, report.snapshots]);
    if (told !== this.told) this.made = section("Configuration", null, drawConfiguration(report), ...drawSnapshots(report, this.unfolded));
    this.told = told;
    return this.made;
  }

  rows() { return [...document.querySelectorAll("tr.stage")].filter((row) => !row.hidden); }
  row(id) { return this.rows().find((row) => row.dataset.stage === JSON.stringify(id)); }

  filter(text) {
    for (const row of this.stages.querySelectorAll("tr.stage")) row.hidden = !row.cells[0].textContent.toLowerCase().includes(text.toLowerCase());
  }

  open(id) {
    if (byId("pane").hidden) this.opener = document.activeElement;
    location.hash = id === null ? "stage" : "stage=" + encodeURIComponent(id);
  }

  follow() {
    const [key, id] = location.hash.slice(1).split("=");
    let named = null;
    try { named = id === undefined ? null : decodeURIComponent(id); } catch { return; }
    this.chosen = key === "stage" ? named : undefined;
    this.show();
  }

  show() {
    const pane = byId("pane"), stage = this.chosen === undefined ? undefined : this.report.stages.find((s) => s.id === this.chosen);
    const scrolled = pane.scrollTop, same = this.shown === this.chosen, was = pane.hidden;
    pane.hidden = byId("grip").hidden = !stage;
    const { about, calls } = stage ? drawPane(this.report, stage, () => this.close()) : { about: [], calls: [] };
    byId("about").replaceChildren(...about);
    byId("calls").replaceChildren(...calls);
    if (stage) this.files.show(byId("calls"), stage, this.report.run_id);
    pane.scrollTop = same ? scrolled : 0;
    this.shown = this.chosen;
    for (const row of document.querySelectorAll("tr.stage")) row.classList.toggle("chosen", !!stage && row.dataset.stage === JSON.stringify(stage.id));
    this.timeline.chosen = stage ? stage.id : undefined;
    this.timeline.later();
    this.grip.place();
    if (stage && was) pane.focus({ preventScroll: true });
  }

  close() {
    history.replaceState(null, "", location.href.split("#")[0] + "#");
    const id = this.chosen;
    this.follow();
    (this.opener?.isConnected ? this.opener : this.row(id))?.focus({ preventScroll: true });
  }

  step(by) {
    const rows = this.rows(), at = rows.findIndex((row) => row === document.activeElement || (this.chosen !== undefined && row.dataset.stage === JSON.stringify(this.chosen)));
    const row = rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)];
    if (!row) return;
    row.focus();
    if (this.chosen !== undefined) location.replace("#" + (JSON.parse(row.dataset.stage) === null ? "stage" : "stage=" + encodeURIComponent(JSON.parse(row.dataset.stage))));
  }

  key(event) {
    const typing = event.target.tagName === "INPUT", help = byId("help");
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
    if (event.key === "Escape" && !help.open) {
      if (typing) { event.target.value = ""; this.filter(""); event.target.blur(); } else if (this.chosen !== undefined) this.close();
    } else if (typing) { if (event.key === "Enter") this.rows()[0]?.focus(); return; }
    else if (event.key === "j") this.step(1);
    else if (event.key === "k") this.step(-1);
    else if (event.key === "/") byId("search").focus();
    else if (event.key === "?") help.open ? help.close() : help.showModal();
    else if (event.key === "Enter" && event.target.classList.contains("stage")) this.open(JSON.parse(event.target.dataset.stage));
    else return;
    event.preventDefault();
  }
}

// The figures stand in the page. Where they do not, whoever serves it puts the address of the run into `data-from`, makes
// the App once there are figures, and calls `update` with newer ones.
if (byId("data").textContent) window.taximeter = new App(JSON.parse(byId("data").textContent));
