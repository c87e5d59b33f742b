// The shards of a stage: a row of the timeline with a line for each, and in the pane how far they lie apart.
const SHARD_TALL = 7, SHARDS_TALLEST = 210, SHARDS_LISTED = 20;

const shardsOf = (stage) => stage.shards.filter((shard) => known(shard.shard));

function shardRow(stage) {
  const shards = shardsOf(stage);
  return { kind: "shards", stage, shards, places: [], spanLevels: 0, tall: Math.min(shards.length * SHARD_TALL, SHARDS_TALLEST) + 2 * ROW_PAD };
}

// A bar for each attempt, on the line of its shard.
function shardBars(shards, origin, now) {
  return shards.flatMap((shard, line) => shard.attempts.filter((a) => a.started_at).map((a) => ({ shard, line, number: a.attempt, status: a.status,
    from: Date.parse(a.started_at) - origin, to: a.ended_at ? Date.parse(a.ended_at) - origin : now })));
}

const shardLine = (row) => (row.tall - 2 * ROW_PAD) / Math.max(row.shards.length, 1);

function drawShards(c, view, ink, row, y) {
  const tall = shardLine(row);
  for (const bar of row.bars) {
    const x = view.x(bar.from), w = Math.max(view.x(bar.to) - x, 1.5), top = y + ROW_PAD + bar.line * tall;
    if (x > view.width || x + w < view.left) continue;
    c.globalAlpha = bar.status === "running" ? 0.55 : 0.85;
    c.fillStyle = ink[STATUS_INK[bar.status]] || (bar.shard.straggler ? ink.warn : ink.accent);
    c.fillRect(x, top, w, Math.max(tall - 1, 0.8));
    c.globalAlpha = 1;
    if (bar.status === "failed" || bar.status === "lost") stripes(c, ink.card, x, top, w, Math.max(tall - 1, 0.8), 6);
  }
}

function shardText(row, at, below, near) {
  const line = Math.floor((below - ROW_PAD) / shardLine(row)), shard = row.shards[line];
  const bar = row.bars.find((one) => one.line === line && at >= one.from - near && at <= one.to + near);
  if (!shard || !bar) return null;
  const late = shard.straggler ? " · straggler" : "";
  return `${stageName(row.stage.id)} · shard ${shard.shard} · attempt ${bar.number} · ${bar.status}${late}\n${seconds((bar.to - bar.from) / 1000)}`;
}

function spreadText(spread, currency) {
  if (!spread) return null;
  const of = (found, text) => (found ? `${text(found.least)}, ${text(found.median)}, ${text(found.most)}` : null);
  const wall = of(spread.wall_seconds, seconds), cost = of(spread.cost, (amount) => money(amount, currency));
  return [`${count(spread.done)} of ${count(spread.count)} done`, wall && `wall (least, median, most) ${wall}`, cost && `cost ${cost}`,
    spread.stragglers.length ? `stragglers ${spread.stragglers.slice(0, SHARDS_LISTED).join(", ")}` : null].filter(Boolean).join("; ");
}

// Those that went wrong, then the slowest.
function worstFirst(stage) {
  const wrong = (shard) => ["failed", "lost", "over_budget"].includes(shard.status);
  return shardsOf(stage).sort((a, b) => wrong(b) - wrong(a) || (b.wall_seconds || 0) - (a.wall_seconds || 0));
}

// The slowest of them.
function drawShardTable(stage, currency) {
  const slowest = [...stage.shards].sort((a, b) => (b.wall_seconds || 0) - (a.wall_seconds || 0)), shown = slowest.slice(0, SHARDS_LISTED);
  const more = slowest.length - shown.length + (stage.shards_omitted || 0);
  const columns = [["shard", (s) => (known(s.shard) ? String(s.shard) : "none"), "left"], ["status", (s) => s.status + (s.straggler ? ", straggler" : ""), "left"], ["wall", (s) => seconds(s.wall_seconds)],
    ["CPU", (s) => seconds(cpu(s))], ["items", (s) => count(s.items_out)], ["calls", (s) => count(s.calls)], ["cost", (s) => costText(s, currency)], ["tries", (s) => count(s.attempts.length)]];
  return [el("h3", { text: "Shards" }), tableOf("Shards of the stage", columns, shown), more ? el("p", { class: "hint", text: `${plural(more, "faster shard")} not listed.` }) : null].filter(Boolean);
}
