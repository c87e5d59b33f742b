// The timeline on canvas: attempts of stages, their calls, and the money so far, on one axis.
const ROW = 30, AXIS = 24, MONEY = 66, BARS_MOST = 14;

class TimelineView {
  constructor(report, choose) {
    this.choose = choose;
    this.view = null; // [from, to] in ms; null shows everything
    this.canvas = el("canvas", { tabindex: 0, role: "img", "aria-label": "Timeline of stages and calls; the table of stages has the same figures" });
    const button = (text, label, heard) => el("button", { type: "button", text, "aria-label": label, on: { click: heard } });
    this.tools = el("span", { class: "tools" }, button("+", "zoom in", () => this.zoom(0.5)), button("−", "zoom out", () => this.zoom(2)),
      button("fit", "show the whole run", () => this.show(null)));
    this.listen();
    this.update(report);
  }

  update(report) {
    this.report = report;
    this.origin = Date.parse(report.timeline.started_at || report.started_at || 0);
    const at = (iso) => Date.parse(iso) - this.origin;
    this.now = Math.max(0, ...report.timeline.end_ms, ...report.stages.map((s) => (s.ended_at ? at(s.ended_at) : 0)), (report.wall_seconds || 0) * 1000);
    this.lanes = report.stages.filter((stage) => stage.started_at || report.timeline.stages.includes(stage.id)).map((stage) => ({
      stage, bars: [],
      attempts: stage.attempts.filter((a) => a.started_at).map((a) => ({ from: at(a.started_at), to: a.ended_at ? at(a.ended_at) : this.now, attempt: a })),
    }));
    const laneOf = new Map(this.lanes.map((lane) => [lane.stage.id, lane]));
    const t = report.timeline;
    t.start_ms.forEach((from, i) => {
      const lane = laneOf.get(t.stages[t.stage[i]]);
      if (lane) lane.bars.push({ from, to: t.end_ms[i], i });
    });
    this.lanes.forEach(stack);
    let sum = 0;
    this.money = t.end_ms.map((ms, i) => [ms, t.cost[i] || 0]).sort((a, b) => a[0] - b[0]).map(([ms, cost]) => [ms, (sum += cost)]);
    this.critical = new Set(report.critical_path.stages);
    this.draw();
  }

  span() { return this.view || [0, Math.max(this.now * 1.01, 1)]; }
  x(ms) { const [from, to] = this.span(); return this.left + ((ms - from) / (to - from)) * (this.width - this.left - 8); }
  ms(x) { const [from, to] = this.span(); return from + ((x - this.left) / (this.width - this.left - 8)) * (to - from); }

  show(view) {
    const whole = Math.max(this.now * 1.01, 1);
    if (view) {
      const length = Math.min(Math.max(view[1] - view[0], whole / 1e5), whole);
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

  later() { if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); }); }

  draw() {
    const canvas = this.canvas, ratio = window.devicePixelRatio || 1;
    this.width = canvas.clientWidth || 1000;
    this.left = this.width < 560 ? 92 : 176;
    this.height = AXIS + this.lanes.length * ROW + (this.money.length ? MONEY : 8);
    canvas.style.setProperty("height", this.height + "px");
    canvas.width = Math.round(this.width * ratio);
    canvas.height = Math.round(this.height * ratio);
    const c = canvas.getContext("2d");
    c.scale(ratio, ratio);
    const css = getComputedStyle(document.documentElement);
    const ink = this.ink = Object.fromEntries(["ink", "soft", "line", "wash", "accent", "good", "bad", "warn", "run", "card"].map((n) => [n, css.getPropertyValue("--" + n).trim()]));
    c.font = "12px " + css.getPropertyValue("--sans");
    c.textBaseline = "middle";
    this.drawAxis(c, ink);
    this.lanes.forEach((lane, row) => this.drawLane(c, ink, lane, AXIS + row * ROW));
    if (this.money.length) this.drawMoney(c, ink);
    c.fillStyle = ink.line;
    c.fillRect(this.left - 0.5, 0, 1, this.height);
  }

  drawAxis(c, ink) {
    const [from, to] = this.span();
    const step = niceStep((to - from) / Math.max(2, (this.width - this.left) / 110));
    for (let ms = Math.ceil(from / step) * step; ms <= to; ms += step) {
      const x = this.x(ms);
      c.fillStyle = ink.line;
      c.fillRect(x, AXIS - 4, 1, this.height);
      c.fillStyle = ink.soft;
      if (x < this.width - 44) c.fillText(axisLabel(ms, step), x + 4, AXIS / 2);
    }
  }

  drawLane(c, ink, lane, y) {
    const { stage } = lane, chosen = stage.id === this.chosen;
    if (chosen) { c.fillStyle = ink.wash; c.fillRect(0, y, this.width, ROW); }
    c.fillStyle = ink.ink;
    c.font = (chosen ? "600 " : "") + c.font.replace(/^600 /, "");
    c.fillText(fit(c, stageName(stage.id), this.left - 22), 12, y + ROW / 2);
    c.font = c.font.replace(/^600 /, "");
    c.save();
    c.beginPath();
    c.rect(this.left, y, this.width - this.left, ROW);
    c.clip();
    const color = { failed: ink.bad, lost: ink.bad, running: ink.run, cancelled: ink.warn, over_budget: ink.warn };
    for (const { from, to, attempt } of lane.attempts) {
      const x = this.x(from), w = Math.max(this.x(to) - x, 2);
      c.globalAlpha = 0.24;
      c.fillStyle = color[attempt.status] || ink.accent;
      c.fillRect(x, y + 5, w, ROW - 10);
      c.globalAlpha = 1;
      c.fillRect(x, y + ROW - 8, w, 3);
      if (this.critical.has(stage.id)) { c.fillStyle = ink.ink; c.fillRect(x, y + 3, w, 2); }
    }
    const t = this.report.timeline, tall = (ROW - 14) / lane.depth;
    for (const bar of lane.bars) {
      const x = this.x(bar.from), w = Math.max(this.x(bar.to) - x - 0.5, 1);
      if (x > this.width || x + w < this.left) continue;
      const many = t.calls[bar.i] > 1;
      c.globalAlpha = many ? 0.35 + 0.55 * Math.min(1, t.busy_ms[bar.i] / Math.max(1, bar.to - bar.from) / 4) : 0.85;
      c.fillStyle = t.failed[bar.i] ? ink.bad : ink.accent;
      c.fillRect(x, y + 6 + bar.level * tall, w, Math.max(tall - 0.7, 1));
    }
    c.restore();
    c.globalAlpha = 1;
  }

  drawMoney(c, ink) {
    const top = this.height - MONEY + 8, bottom = this.height - 8, total = this.money[this.money.length - 1][1];
    c.fillStyle = ink.ink;
    c.fillText("cost so far", 12, top + 16);
    c.fillStyle = ink.soft;
    c.fillText(money(total, this.report.pricing.currency), 12, top + 34);
    if (!total) return;
    c.save();
    c.beginPath();
    c.rect(this.left, top - 4, this.width - this.left, MONEY);
    c.clip();
    c.strokeStyle = ink.good;
    c.lineWidth = 1.8;
    c.beginPath();
    c.moveTo(this.x(0), bottom);
    let level = bottom;
    for (const [ms, sum] of this.money) { c.lineTo(this.x(ms), level); level = bottom - (sum / total) * (bottom - top); c.lineTo(this.x(ms), level); }
    c.lineTo(this.x(this.now), level);
    c.stroke();
    c.lineTo(this.x(this.now), bottom);
    c.closePath();
    c.globalAlpha = 0.12;
    c.fillStyle = ink.good;
    c.fill();
    c.restore();
    c.globalAlpha = 1;
  }

  listen() {
    const canvas = this.canvas;
    const place = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return; // the page scrolls
      event.preventDefault();
      const [from, to] = this.span();
      if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(event.deltaY / 300), this.ms(place(event)[0]));
      else { const by = ((event.deltaX || event.deltaY) / this.width) * (to - from); this.show([from + by, to + by]); }
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
      const lane = this.lanes[Math.floor((place(event)[1] - AXIS) / ROW)];
      if (this.grab && !this.grab[2] && lane) this.choose(lane.stage.id);
      this.grab = null;
    });
    canvas.addEventListener("pointerleave", () => hideTip());
    canvas.addEventListener("dblclick", (event) => this.zoom(0.4, this.ms(place(event)[0])));
    canvas.addEventListener("keydown", (event) => {
      const [from, to] = this.span(), by = (to - from) / 8;
      const act = { "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.show(null),
        ArrowLeft: () => this.show([from - by, to - by]), ArrowRight: () => this.show([from + by, to + by]) }[event.key];
      if (act) { act(); event.preventDefault(); event.stopPropagation(); }
    });
    new ResizeObserver(() => this.later()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.later());
  }

  hover(event, x, y) {
    const lane = this.lanes[Math.floor((y - AXIS) / ROW)], at = this.ms(x), near = (this.ms(1) - this.ms(0)) * 2;
    if (!lane || x < this.left) return hideTip();
    const tall = (ROW - 14) / lane.depth, level = Math.floor((y - AXIS) % ROW - 6) / tall;
    const bar = lane.bars.find((b) => at >= b.from - near && at <= b.to + near && level >= b.level && level < b.level + 1);
    const t = this.report.timeline, attempt = lane.attempts.find((a) => at >= a.from && at <= a.to);
    if (bar) showTip(event, [`${brief(t.models[t.model[bar.i]])} · ${plural(t.calls[bar.i], "call")}${t.failed[bar.i] ? `, ${t.failed[bar.i]} failed` : ""}`,
      `${millis(t.busy_ms[bar.i])} · ${count(t.tokens[bar.i])} tokens · ${money(t.cost[bar.i], this.report.pricing.currency)}`,
      `from ${seconds(bar.from / 1000)} to ${seconds(bar.to / 1000)}`].join("\n"));
    else if (attempt) showTip(event, `${stageName(lane.stage.id)} · attempt ${attempt.attempt.attempt} · ${attempt.attempt.status}\n${seconds((attempt.to - attempt.from) / 1000)}`);
    else hideTip();
  }
}

// Bars that overlap go below each other.
function stack(lane) {
  const free = [];
  for (const bar of lane.bars) {
    let level = free.findIndex((end) => end <= bar.from);
    if (level < 0) level = free.length < BARS_MOST ? free.length : free.indexOf(Math.min(...free));
    free[level] = Math.max(bar.to, free[level] || 0);
    bar.level = level;
  }
  lane.depth = Math.max(free.length, 1);
}

function niceStep(least) {
  for (const step of [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 144e5, 432e5]) if (step >= least) return step;
  return 864e5 * Math.ceil(least / 864e5);
}

const axisLabel = (ms, step) => (step < 1000 ? `${(ms / 1000).toFixed(step < 10 ? 3 : step < 100 ? 2 : 1)} s` : ms < 6e4 ? `${ms / 1000} s` : seconds(ms / 1000));

function fit(c, text, width) {
  if (c.measureText(text).width <= width) return text;
  while (text && c.measureText(text + "…").width > width) text = text.slice(0, -1);
  return text + "…";
}

function showTip(event, text) {
  const tip = byId("tip");
  tip.textContent = text;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.setProperty("left", Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8)) + "px");
  tip.style.setProperty("top", (event.clientY + height + 24 > innerHeight ? event.clientY - height - 12 : event.clientY + 16) + "px");
}

function hideTip() { byId("tip").hidden = true; }
