// Time along the top of the timeline, and the money so far along its bottom.
const AXIS_TALL = 24, MONEY_TALL = 66;

function niceStep(least) {
  for (const step of [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 144e5, 432e5]) if (step >= least) return step;
  return 864e5 * Math.ceil(least / 864e5);
}

const axisLabel = (ms, step) => (step < 1 ? `${ms.toFixed(2)} ms` : step < 1000 ? `${(ms / 1000).toFixed(step < 10 ? 3 : step < 100 ? 2 : 1)} s` : ms < 6e4 ? `${ms / 1000} s` : seconds(ms / 1000));

function drawAxis(c, view, ink) {
  const [from, to] = view.span(), step = niceStep((to - from) / Math.max(2, (view.width - view.left) / 110));
  for (let n = Math.ceil(from / step); n * step <= to; n += 1) {
    const x = view.x(n * step);
    c.fillStyle = ink.line;
    c.fillRect(Math.round(x), AXIS_TALL - 4, 1, view.height);
    c.fillStyle = ink.soft;
    if (x < view.width - 56) c.fillText(axisLabel(n * step, step), x + 4, AXIS_TALL / 2);
  }
}

// The cost of what had ended by then; a bar's money is spent at its end. Without any price there is no line.
function moneyLine(t) {
  let sum = 0;
  if (!t.cost.some(known)) return [];
  return t.end_ms.map((ms, i) => [ms, t.cost[i] || 0]).sort((a, b) => a[0] - b[0]).map(([ms, cost]) => [ms, (sum += cost)]);
}

function drawMoney(c, view, ink) {
  const top = view.height - MONEY_TALL + 10, bottom = view.height - 8, total = view.money[view.money.length - 1][1];
  c.fillStyle = ink.line;
  c.fillRect(0, view.height - MONEY_TALL + 1, view.width, 1);
  c.fillStyle = ink.ink;
  c.fillText("cost so far", 12, top + 12);
  c.fillStyle = ink.soft;
  c.fillText(fit(c, money(total, view.report.pricing.currency), view.left - 20), 12, top + 31);
  if (!total) return;
  c.save();
  c.beginPath();
  c.rect(view.left, top - 4, view.width - view.left, MONEY_TALL);
  c.clip();
  c.strokeStyle = ink.good;
  c.lineWidth = 1.8;
  c.beginPath();
  c.moveTo(view.x(0), bottom);
  let level = bottom;
  for (const [ms, sum] of view.money) { c.lineTo(view.x(ms), level); level = bottom - (sum / total) * (bottom - top); c.lineTo(view.x(ms), level); }
  c.lineTo(view.x(view.now), level);
  c.stroke();
  c.lineTo(view.x(view.now), bottom);
  c.closePath();
  c.globalAlpha = 0.12;
  c.fillStyle = ink.good;
  c.fill();
  c.restore();
  c.globalAlpha = 1;
}

function costAt(line, ms) {
  let low = 0, high = line.length;
  while (low < high) { const middle = (low + high) >> 1; if (line[middle][0] <= ms) low = middle + 1; else high = middle; }
  return low ? line[low - 1][1] : 0;
}
