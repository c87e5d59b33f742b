// The stages and what they wait for: area is time, depth of colour is cost, a dashed edge is reused work.
function drawGraph(report, choose) {
  const stages = report.stages.filter((stage) => stage.id !== null);
  const byName = new Map(stages.map((stage) => [stage.id, stage])), depth = new Map();
  for (const stage of stages) depth.set(stage.id, 1 + Math.max(-1, ...stage.needs.map((need) => (depth.has(need) ? depth.get(need) : -1))));
  const columns = [];
  for (const stage of stages) (columns[depth.get(stage.id)] ||= []).push(stage);
  const longest = Math.max(1e-9, ...stages.map((stage) => stage.wall_seconds || 0));
  const dearest = Math.max(0, ...stages.map((stage) => stage.llm_totals.cost || 0));
  const wide = Math.max(128, Math.min(200, Math.floor(1130 / Math.max(1, columns.length)))), tall = 92, width = columns.length * wide + 20, height = Math.max(1, ...columns.map((c) => c.length)) * tall + 6;
  const place = new Map(), critical = new Set(report.critical_path.stages);
  columns.forEach((column, i) => column.forEach((stage, j) => place.set(stage.id, [20 + i * wide, (height - column.length * tall) / 2 + j * tall + 26])));
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "Graph of stages" });
  const order = report.critical_path.stages;
  for (const stage of stages) for (const need of stage.needs.filter((id) => byName.has(id))) {
    const [x1, y1] = place.get(need), [x2, y2] = place.get(stage.id);
    const onPath = critical.has(need) && order[order.indexOf(need) + 1] === stage.id, mid = (x1 + side(byName.get(need), longest) + x2) / 2;
    picture.append(svg("path", { class: onPath ? "edge critical" : "edge", d: `M${x1 + side(byName.get(need), longest)} ${y1} C${mid} ${y1} ${mid} ${y2} ${x2} ${y2}` }));
  }
  for (const stage of stages) {
    const [x, y] = place.get(stage.id), edge = side(stage, longest), share = dearest ? (stage.llm_totals.cost || 0) / dearest : 0;
    const box = svg("rect", { x, y: y - edge / 2, width: edge, height: edge, rx: 4 });
    box.style.setProperty("fill", `color-mix(in srgb, var(--good) ${Math.round(8 + 82 * share)}%, var(--card))`);
    const name = svg("text", { x, y: y + edge / 2 + 15 }), sub = svg("text", { class: "sub", x, y: y + edge / 2 + 29 });
    name.textContent = brief(stage.id, Math.floor(wide / 8));
    sub.textContent = `${seconds(stage.wall_seconds)} · ${costText(stage.llm_totals, report.pricing.currency)}`;
    const title = svg("title");
    title.textContent = `${stageName(stage.id)}: ${stage.status}`;
    const group = svg("g", { class: stage.status === "reused" ? "reused" : null }, title, box, name, sub);
    group.addEventListener("click", () => choose(stage.id));
    picture.append(group);
  }
  return el("div", { class: "card scroll", tabindex: 0, role: "region", "aria-label": "Graph of stages, scrolls" }, picture);
}

const side = (stage, longest) => 8 + 36 * Math.sqrt((stage.wall_seconds || 0) / longest);
