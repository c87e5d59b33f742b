// The rows of the timeline: each stage, and below it, where it is unfolded, its processes with their spans and calls.
const HEAD_TALL = 34, SPAN_TALL = 15, CALLS_TALL = 20, ROW_PAD = 5;
const LEVELS_MOST = 14, SPAN_LEVELS_MOST = 6, PROCESSES_MOST = 12, STAGES_MOST = 150, UNFOLDED_TALL = 440;

// Bars of calls and of spans by where they stand, out of the columns that they come in.
function barsOf(t, shift = 0) {
  const places = t.lanes.map((lane) => laneKey(lane.stage_id, lane.process)), calls = new Map(), spans = new Map(), s = t.spans;
  const put = (bars, lane, bar) => (bars.get(places[lane]) || bars.set(places[lane], []).get(places[lane])).push(bar);
  t.start_ms.forEach((from, i) => put(calls, t.lane[i], { from: from + shift, to: t.end_ms[i] + shift, name: t.models[t.model[i]],
    busy: t.busy_ms[i], count: t.calls[i], failed: t.failed[i], tokens: t.tokens[i], cost: t.cost[i] }));
  s.start_ms.forEach((from, i) => put(spans, s.lane[i], { from: from + shift, to: s.end_ms[i] + shift, name: s.names[s.name[i]],
    busy: s.busy_ms[i], count: s.count[i], failed: s.failed[i], cpu: s.cpu_ms[i] }));
  return { calls, spans };
}

const laneKey = (stage, process) => JSON.stringify([stage, process]);

// `folds` is what a person chose, by stage; what nobody chose is unfolded while there is room.
function rowsOf(report, folds) {
  const rows = [], lanesOf = new Map(), bars = barsOf(report.timeline);
  for (const lane of report.timeline.lanes) {
    if (!lanesOf.has(lane.stage_id)) lanesOf.set(lane.stage_id, []);
    lanesOf.get(lane.stage_id).push(lane);
  }
  let room = UNFOLDED_TALL, y = 0;
  for (const stage of longest(report.stages.filter((s) => s.started_at || lanesOf.has(s.id)), STAGES_MOST)) {
    const lanes = lanesOf.get(stage.id) || [];
    const head = { kind: "stage", stage, tall: HEAD_TALL, places: lanes.map((lane) => laneKey(lane.stage_id, lane.process)) };
    const below = [...(stage.shards.length ? [shardRow(stage)] : []), ...processRows(stage, lanes, bars)], tall = below.reduce((sum, row) => sum + row.tall, 0);
    head.foldable = lanes.length > 1 || stage.shards.length > 0 || below.some((row) => row.spanLevels);
    head.unfolded = head.foldable && (folds.has(stage.id) ? folds.get(stage.id) : tall <= room);
    if (head.unfolded && !folds.has(stage.id)) room -= tall;
    for (const row of head.unfolded ? [head, ...below] : [head]) { row.y = y; y += row.tall; rows.push(row); }
  }
  return rows;
}

function longest(stages, most) {
  if (stages.length <= most) return stages;
  const kept = new Set([...stages].sort((a, b) => (b.wall_seconds || 0) - (a.wall_seconds || 0)).slice(0, most));
  return stages.filter((stage) => kept.has(stage));
}

function processRows(stage, lanes, bars) {
  const single = lanes.length > PROCESSES_MOST ? lanes.slice(0, PROCESSES_MOST - 1) : lanes, rest = lanes.slice(single.length);
  return [...single.map((lane) => [lane]), ...(rest.length ? [rest] : [])].map((group) => {
    const row = { kind: "process", stage, lanes: group, places: group.map((lane) => laneKey(lane.stage_id, lane.process)) };
    row.spanLevels = stack(barsIn(row, bars.spans), SPAN_LEVELS_MOST);
    row.callsTall = barsIn(row, bars.calls).length ? CALLS_TALL : 0;
    row.tall = Math.max(row.spanLevels * SPAN_TALL + row.callsTall, CALLS_TALL) + 2 * ROW_PAD;
    return row;
  });
}

// Puts bars into rows, and on levels where they overlap.
function fillRows(rows, bars) {
  for (const row of rows) {
    row.calls = row.kind === "stage" && row.unfolded ? [] : barsIn(row, bars.calls);
    row.depth = Math.max(1, stack(row.calls, LEVELS_MOST));
    row.waits = row.kind === "stage" && row.unfolded ? merged(barsIn(row, bars.calls)) : [];
    row.spans = row.kind === "stage" ? [] : barsIn(row, bars.spans);
    stack(row.spans, SPAN_LEVELS_MOST);
  }
}

function barsIn(row, bars) {
  const all = row.places.flatMap((place) => bars.get(place) || []);
  return row.places.length > 1 ? all.sort((a, b) => a.from - b.from) : all;
}

// Times in which at least one of the bars goes on.
function merged(bars) {
  const times = [];
  for (const { from, to } of bars) {
    const last = times[times.length - 1];
    if (last && from <= last[1]) last[1] = Math.max(last[1], to); else times.push([from, to]);
  }
  return times;
}

// Bars that overlap go below each other; says how many levels there are.
function stack(bars, most) {
  const free = [];
  for (const bar of bars) {
    let level = free.findIndex((end) => end <= bar.from);
    if (level < 0) level = free.length < most ? free.length : free.indexOf(Math.min(...free));
    free[level] = Math.max(bar.to, free[level] || 0);
    bar.level = level;
  }
  return free.length;
}

function laneName(row) {
  if (row.kind === "shards") return plural(row.shards.length, "shard");
  if (row.lanes.length > 1) return `${count(row.lanes.length)} more processes`;
  const [lane] = row.lanes;
  if (lane.process === null) return "all processes";
  return known(lane.pid) ? `pid ${lane.pid}` : lane.process.includes("/") ? "told by its sink" : `process ${brief(lane.process, 12)}`;
}

// How much of its time a stage or process waited for answers, and how much CPU it took: shares of its wall time.
function shares(row) {
  if (row.kind === "shards") return { waits: null, cpu: null, estimate: false };
  if (row.kind === "stage") {
    const { wall_seconds: wall, latency } = row.stage, used = cpu(row.stage);
    return { waits: known(latency.waiting_ms) && wall ? latency.waiting_ms / 1000 / wall : null, cpu: known(used) && wall ? used / wall : null, estimate: latency.waiting_method === "sampled" };
  }
  const sum = (values) => values.reduce((a, b) => (known(b) ? (a ?? 0) + b : a), null), { lanes } = row;
  const wall = sum(lanes.map((lane) => (known(lane.end_ms) && known(lane.start_ms) ? (lane.end_ms - lane.start_ms) / 1000 : row.stage.wall_seconds)));
  const part = (value) => (known(value) && wall ? value / wall : null);
  return { waits: part(sum(lanes.map((lane) => lane.waiting_seconds))), cpu: part(sum(lanes.map((lane) => lane.cpu_seconds))), estimate: row.stage.latency.waiting_method === "sampled" };
}
