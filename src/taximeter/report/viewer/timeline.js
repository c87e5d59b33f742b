// The timeline on canvas: what of the run is in view, and what pointer and keys do with it.
const CLOSE = 4; // what is larger than this part of the run has bars that are fine enough

class TimelineView {
  constructor(report, choose, sourceNow) {
    this.choose = choose;
    this.finer = new FinerBars(sourceNow, () => this.refine());
    this.view = null; // [from, to] in ms; null shows everything
    this.folds = new Map();
    this.row = -1; // where the keys are
    this.canvas = el("canvas", { tabindex: 0, role: "img", "aria-label": "Timeline of stages, spans and calls; the table of stages has the same figures" });
    const button = (text, label, heard) => el("button", { type: "button", text, "aria-label": label, on: { click: heard } });
    this.tools = el("span", { class: "tools" }, button("+", "zoom in", () => this.zoom(0.5)), button("−", "zoom out", () => this.zoom(2)),
      button("fit", "show the whole run", () => this.show(null)));
    this.listen();
    this.update(report);
  }

  update(report) {
    const t = report.timeline;
    if (this.report && this.report.run_id === report.run_id) this.finer.grown(this.now);
    else { this.finer.forget(); this.folds.clear(); this.view = null; this.row = -1; }
    this.report = report;
    this.origin = Date.parse(t.started_at || report.started_at || 0);
    const at = (iso) => Date.parse(iso) - this.origin, ends = [...t.end_ms, ...t.spans.end_ms];
    this.now = ends.reduce((a, b) => Math.max(a, b), Math.max(0, ...report.stages.map((s) => (s.ended_at ? at(s.ended_at) : 0)), (report.wall_seconds || 0) * 1000));
    this.attempts = new Map(report.stages.map((stage) => [stage.id, this.tries(stage, at)]));
    const expected = [...this.attempts.values()].flat().filter((a) => a.status === "running").map((a) => a.expected);
    this.whole = Math.max(this.now * 1.01, Math.min(Math.max(0, ...expected), this.now * 1.6), 1); // with room for what is still to come
    this.money = moneyLine(t);
    this.bars = barsOf(t);
    this.arrange();
  }

  tries(stage, at) {
    const left = stage.progress && stage.progress.seconds_left ? stage.progress.seconds_left * 1000 : 0;
    const tried = stage.attempts.length ? stage.attempts : stage.started_at ? [stage] : [];
    return tried.filter((a) => a.started_at).map((a) => ({ from: at(a.started_at), to: a.ended_at ? at(a.ended_at) : this.now, status: a.status, number: a.attempt, expected: this.now + left }));
  }

  arrange() {
    this.rows = rowsOf(this.report, this.folds);
    for (const row of this.rows) {
      row.attempts = this.attempts.get(row.stage.id);
      if (row.kind === "shards") row.bars = shardBars(row.shards, this.origin, this.now);
    }
    this.filled = null;
    this.refine();
  }

  // Fills the rows with the finest bars that are there for the part in view.
  refine() {
    const t = this.report.timeline, close = this.view && this.view[1] - this.view[0] < this.now / CLOSE;
    const part = close && (t.bin_seconds || t.spans.bin_seconds) ? this.finer.of(this.view, this.origin) : null;
    const bars = part ? part.bars : this.bars;
    if (bars !== this.filled) fillRows(this.rows, (this.filled = bars));
    this.draw();
  }

  fold(row) {
    if (!row.foldable) return;
    this.folds.set(row.stage.id, !row.unfolded);
    this.arrange();
  }

  span() { return this.view || [0, this.whole]; }
  x(ms) { const [from, to] = this.span(); return this.left + ((ms - from) / (to - from)) * (this.width - this.left - 8); }
  ms(x) { const [from, to] = this.span(); return from + ((x - this.left) / (this.width - this.left - 8)) * (to - from); }

  show(view) {
    const { whole } = this;
    if (view) {
      const length = Math.min(Math.max(view[1] - view[0], whole / 1e6), whole);
      const from = Math.min(Math.max(view[0], 0), whole - length);
      view = length >= whole ? null : [from, from + length];
    }
    this.view = view;
    this.later();
  }

  zoom(factor, around) {
    const [from, to] = this.span();
    const middle = around === undefined ? (from + to) / 2 : around;
    this.show([middle - (middle - from) * factor, middle + (to - middle) * factor]);
  }

  pan(part) { const [from, to] = this.span(), by = (to - from) * part; if (this.view) this.show([from + by, to + by]); }

  later() { if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.refine(); }); }

  draw() {
    const canvas = this.canvas, ratio = this.paper ? SHEET_FINE : window.devicePixelRatio || 1, last = this.rows[this.rows.length - 1];
    this.width = this.paper ? SHEET_WIDE : canvas.clientWidth || 1000;
    this.left = this.width < 560 ? 128 : 216;
    this.height = AXIS_TALL + (last ? last.y + last.tall : 0) + (this.money.length ? MONEY_TALL : 6);
    canvas.style.setProperty("height", this.height + "px");
    canvas.width = Math.round(this.width * ratio);
    canvas.height = Math.round(this.height * ratio);
    const c = canvas.getContext("2d"), ink = inks();
    c.scale(ratio, ratio);
    c.font = `12px ${ink.sans}`;
    c.textBaseline = "middle";
    drawAxis(c, this, ink);
    for (const row of this.rows) drawTimelineRow(c, this, ink, row);
    drawCritical(c, this, ink);
    if (this.money.length) drawMoney(c, this, ink);
    c.fillStyle = ink.line;
    c.fillRect(this.left - 1, 0, 1, this.height);
    const at = this.rows[this.row];
    if (at && document.activeElement === canvas) { c.strokeStyle = ink.accent; c.lineWidth = 2; c.strokeRect(2, AXIS_TALL + at.y + 1, this.left - 6, at.tall - 2); }
  }

  listen() {
    const canvas = this.canvas;
    const place = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return; // the page scrolls
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(event.deltaY / 300), this.ms(place(event)[0]));
      else this.pan((event.deltaX || event.deltaY) / this.width);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => { this.grab = [place(event)[0], this.span(), false]; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = place(event);
      if (!this.grab) return this.hover(event, x, y);
      const [start, [from, to]] = this.grab;
      if (Math.abs(x - start) > 3) this.grab[2] = true;
      if (this.grab[2] && this.view) { const by = ((start - x) / (this.width - this.left)) * (to - from); this.show([from + by, to + by]); }
    });
    canvas.addEventListener("pointerup", (event) => {
      const [x, y] = place(event), row = this.rowAt(y);
      if (this.grab && !this.grab[2] && row) { if (row.kind === "stage" && row.foldable && x < 20) this.fold(row); else this.choose(row.stage.id); }
      this.grab = null;
    });
    canvas.addEventListener("pointercancel", () => { this.grab = null; });
    canvas.addEventListener("pointerleave", () => hideTip());
    canvas.addEventListener("dblclick", (event) => this.zoom(0.4, this.ms(place(event)[0])));
    canvas.addEventListener("keydown", (event) => this.key(event));
    for (const seen of ["focus", "blur"]) canvas.addEventListener(seen, () => this.later());
    new ResizeObserver(() => this.later()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.later());
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = this.rows[this.row];
    const act = { "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.show(null),
      ArrowLeft: () => this.pan(-1 / 8), ArrowRight: () => this.pan(1 / 8), ArrowDown: () => this.move(1), ArrowUp: () => this.move(-1),
      " ": () => row && this.fold(row), Enter: () => row && this.choose(row.stage.id) }[event.key];
    if (act) { act(); event.preventDefault(); event.stopPropagation(); }
  }

  move(by) {
    this.row = Math.min(Math.max(this.row + by, 0), this.rows.length - 1);
    if (this.rows[this.row]) say(this.rowText(this.rows[this.row]));
    this.later();
  }

  rowAt(y) { return this.rows.find((row) => y >= AXIS_TALL + row.y && y < AXIS_TALL + row.y + row.tall); }

  rowText(row) {
    const { waits, cpu: used, estimate } = shares(row), part = (share) => Math.round(100 * share) + " %";
    const name = row.kind === "stage" ? `${stageName(row.stage.id)} · ${row.stage.status} · ${seconds(row.stage.wall_seconds)}` : `${stageName(row.stage.id)} · ${laneName(row)}`;
    return [name, known(waits) && `waited for models ${estimate ? "≈ " : ""}${part(waits)} of its time`, known(used) && `local CPU ${part(used)}`, row.foldable && "▸ shows its processes"].filter(Boolean).join("\n");
  }

  hover(event, x, y) {
    const row = this.rowAt(y), at = this.ms(x), near = (this.ms(1) - this.ms(0)) * 2;
    if (!row) return x > this.left && this.money.length && y > AXIS_TALL ? showTip(event, `${money(costAt(this.money, at), this.report.pricing.currency)} by ${seconds(at / 1000)}`) : hideTip();
    if (x < this.left) return showTip(event, this.rowText(row));
    if (row.kind === "shards") { const text = shardText(row, at, y - AXIS_TALL - row.y, near); return text ? showTip(event, text) : hideTip(); }
    const { top, tall } = callBox(row, AXIS_TALL + row.y), under = (bar) => at >= bar.from - near && at <= bar.to + near;
    const call = row.calls.find((bar) => under(bar) && y >= top + (bar.level * tall) / row.depth && y < top + ((bar.level + 1) * tall) / row.depth);
    const span = row.spans.find((bar) => under(bar) && Math.floor((y - AXIS_TALL - row.y - ROW_PAD) / SPAN_TALL) === bar.level);
    const attempt = row.kind === "stage" && row.attempts.find((a) => at >= a.from && at <= a.to);
    const failed = (bar) => (bar.failed ? `, ${count(bar.failed)} failed` : ""), when = (bar) => `from ${seconds(bar.from / 1000)} to ${seconds(bar.to / 1000)}`;
    if (call) showTip(event, `${brief(call.name)} · ${plural(call.count, "call")}${failed(call)}\n${millis(call.busy)} · ${count(call.tokens)} tokens · ${money(call.cost, this.report.pricing.currency)}\n${when(call)}`);
    else if (span) showTip(event, `${brief(span.name)} · ${plural(span.count, "span")}${failed(span)}\n${millis(span.busy)}${known(span.cpu) ? ` · CPU ${millis(span.cpu)}` : ""}\n${when(span)}`);
    else if (attempt) showTip(event, `${stageName(row.stage.id)}${attempt.number ? ` · attempt ${attempt.number}` : ""} · ${attempt.status}\n${seconds((attempt.to - attempt.from) / 1000)}`);
    else hideTip();
  }
}
