// Draws the rows of the timeline: attempts, spans, calls, the critical path. Shape and text say what colour says.
const STATUS_INK = { failed: "bad", lost: "bad", running: "run", cancelled: "warn", over_budget: "warn" };

function inks() {
  const css = getComputedStyle(document.documentElement);
  return Object.fromEntries(["ink", "soft", "line", "wash", "accent", "good", "bad", "warn", "run", "card", "span", "sans"].map((name) => [name, css.getPropertyValue("--" + name).trim()]));
}

function drawTimelineRow(c, view, ink, row) {
  const y = AXIS_TALL + row.y;
  if (row.stage.id === view.chosen) { c.fillStyle = ink.wash; c.fillRect(0, y, view.width, row.tall); }
  if (row.kind === "stage") { c.fillStyle = ink.line; c.fillRect(0, y, view.width, 1); }
  drawGutter(c, view, ink, row, y);
  c.save();
  c.beginPath();
  c.rect(view.left, y, view.width - view.left, row.tall);
  c.clip();
  if (row.kind === "stage") drawAttempts(c, view, ink, row, y);
  if (row.kind === "shards") drawShards(c, view, ink, row, y);
  for (const bar of row.spans) drawSpan(c, view, ink, bar, y + ROW_PAD + bar.level * SPAN_TALL);
  drawCallBars(c, view, ink, row, y);
  c.fillStyle = ink.accent;
  for (const [from, to] of row.waits) {
    const x = view.x(from), w = Math.max(view.x(to) - x, 1);
    if (x < view.width && x + w > view.left) c.fillRect(x, y + HEAD_TALL / 2 - 2, w, 5);
  }
  c.restore();
}

function drawGutter(c, view, ink, row, y) {
  const middle = y + row.tall / 2, is = row.kind === "stage", meter = view.left > 140 ? 46 : 18, start = is ? 22 : view.left > 140 ? 34 : 26;
  const { waits, cpu: used } = shares(row), shown = known(waits) || known(used);
  if (is && row.foldable) {
    c.fillStyle = ink.soft;
    c.beginPath();
    if (row.unfolded) { c.moveTo(8, middle - 2.5); c.lineTo(16, middle - 2.5); c.lineTo(12, middle + 3.5); } else { c.moveTo(9, middle - 4); c.lineTo(15, middle); c.lineTo(9, middle + 4); }
    c.fill();
  }
  c.fillStyle = is ? ink.ink : ink.soft;
  c.font = `${is && row.stage.id === view.chosen ? "600 " : ""}${is ? 12 : 11}px ${ink.sans}`;
  c.fillText(fit(c, is ? stageName(row.stage.id) : laneName(row), view.left - start - 14 - (shown ? meter + 8 : 0)), start, middle);
  c.font = `12px ${ink.sans}`;
  if (!shown) return;
  const x = view.left - meter - 10;
  [[waits, ink.accent, -5], [used, ink.good, 1]].forEach(([share, color, dy]) => {
    if (!known(share)) return;
    c.fillStyle = ink.line;
    c.fillRect(x, middle + dy, meter, 4);
    c.fillStyle = color;
    c.fillRect(x, middle + dy, meter * Math.min(share, 1), 4);
    if (color === ink.good) stripes(c, ink.card, x, middle + dy, meter * Math.min(share, 1), 4, 3);
  });
}

function drawAttempts(c, view, ink, row, y) {
  for (const { from, to, status, expected } of row.attempts) {
    const x = view.x(from), w = Math.max(view.x(to) - x, 2), color = ink[STATUS_INK[status]] || ink.accent;
    c.globalAlpha = 0.16;
    c.fillStyle = color;
    c.fillRect(x, y + 7, w, HEAD_TALL - 12);
    c.globalAlpha = 1;
    if (status === "failed" || status === "lost") { c.globalAlpha = 0.35; stripes(c, color, x, y + 7, w, HEAD_TALL - 12, 6); c.globalAlpha = 1; }
    c.fillStyle = color;
    c.fillRect(x, y + HEAD_TALL - 7, w, 2);
    if (status === "running") {
      c.strokeStyle = color;
      c.setLineDash([4, 3]);
      c.strokeRect(x + w, y + 7.5, Math.max(view.x(expected) - x - w, 6), HEAD_TALL - 13);
      c.setLineDash([]);
    }
  }
}

function drawSpan(c, view, ink, bar, y) {
  const left = view.x(bar.from), right = view.x(bar.to);
  if (left > view.width || right < view.left) return;
  const x = Math.max(left, view.left - 1), w = Math.max(Math.min(right, view.width + 1) - x, 1.5);
  c.globalAlpha = bar.count > 1 ? 0.35 + 0.6 * Math.min(1, bar.busy / Math.max(0.01, bar.to - bar.from)) : 1;
  c.fillStyle = bar.failed ? ink.bad : ink.span;
  c.fillRect(x, y, Math.max(w - 1, 1), SPAN_TALL - 2);
  c.globalAlpha = 1;
  if (bar.failed) stripes(c, ink.card, x, y, Math.max(w - 1, 1), SPAN_TALL - 2, 6);
  if (w < 26) return;
  c.fillStyle = bar.failed ? ink.card : ink.ink;
  c.font = `11px ${ink.sans}`;
  const text = fit(c, brief(bar.name) + (bar.count > 1 ? ` × ${count(bar.count)}` : ""), w - 9);
  if (text.length > 1) c.fillText(text, x + 4, y + (SPAN_TALL - 2) / 2 + 0.5);
  c.font = `12px ${ink.sans}`;
}

function drawCallBars(c, view, ink, row, y) {
  const { top, tall } = callBox(row, y), one = tall / row.depth;
  for (const bar of row.calls) {
    const x = view.x(bar.from), w = Math.max(view.x(bar.to) - x - 0.5, 1);
    if (x > view.width || x + w < view.left) continue;
    c.globalAlpha = bar.count > 1 ? 0.35 + 0.55 * Math.min(1, bar.busy / Math.max(1, bar.to - bar.from) / 4) : 0.85;
    c.fillStyle = bar.failed ? ink.bad : ink.accent;
    c.fillRect(x, top + bar.level * one, w, Math.max(one - 0.7, 1));
    if (bar.failed) { c.globalAlpha = 1; c.fillRect(x, top - 3, 2, tall + 6); }
  }
  c.globalAlpha = 1;
}

function callBox(row, y) {
  if (row.kind === "stage") return { top: y + 9, tall: HEAD_TALL - 18 };
  return { top: y + ROW_PAD + row.spanLevels * SPAN_TALL + 2, tall: CALLS_TALL - 4 };
}

// A line above the stages that decided when the run ended, from each to the one that waited for it.
function drawCritical(c, view, ink) {
  const heads = new Map(view.rows.filter((row) => row.kind === "stage").map((row) => [row.stage.id, row]));
  const path = view.report.critical_path.stages.map((id) => heads.get(id)).filter((row) => row && row.attempts.length);
  c.save();
  c.beginPath();
  c.rect(view.left, AXIS_TALL, view.width - view.left, view.height);
  c.clip();
  c.strokeStyle = ink.ink;
  c.lineWidth = 1.8;
  c.beginPath();
  path.forEach((row, i) => {
    const y = AXIS_TALL + row.y + 4, next = path[i + 1], end = view.x(row.attempts[row.attempts.length - 1].to);
    c.moveTo(view.x(row.attempts[0].from), y);
    c.lineTo(end, y);
    if (next) { const x = view.x(next.attempts[0].from); c.lineTo(x, y); c.lineTo(x, AXIS_TALL + next.y + 4); }
  });
  c.stroke();
  c.restore();
}

function stripes(c, color, x, y, w, h, gap) {
  c.save();
  c.beginPath();
  c.rect(x, y, w, h);
  c.clip();
  c.strokeStyle = color;
  c.lineWidth = 1.2;
  c.beginPath();
  const first = Math.max(x, -h) - h, last = Math.min(x + w, 4000);
  for (let at = first - (first % gap); at < last; at += gap) { c.moveTo(at, y + h); c.lineTo(at + h, y); }
  c.stroke();
  c.restore();
}

function fit(c, text, width) {
  if (c.measureText(text).width <= width) return text;
  while (text && c.measureText(text + "…").width > width) text = text.slice(0, -1);
  return text + "…";
}
