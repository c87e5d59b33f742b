// The stages and what they wait for: area is time, depth of colour is cost, a dashed border is reused work.
const STAGES_DRAWN = 200, EDGE_MARGIN = 22, TURN = 44;

function drawGraph(report, choose, room) {
  const stages = report.stages.filter((stage) => stage.id !== null), { columns: placed, slots, links, height } = placeStages(stages);
  const wide = Math.max(150, Math.min(230, Math.floor((room - 60) / placed.length)));
  for (const slot of placed.flat()) slot.x = slot.column * wide;
  const longest = Math.max(1e-9, ...stages.map((stage) => stage.wall_seconds || 0)), dearest = Math.max(0, ...stages.map((stage) => stage.llm_totals.cost || 0));
  const order = report.critical_path.stages, width = placed.length * wide + EDGE_MARGIN, tall = height + 8;
  const picture = svg("svg", { viewBox: `${-EDGE_MARGIN} 0 ${width} ${tall}`, width, height: tall, role: "group", "aria-label": "Graph of stages: arrow keys go along it, Enter opens" });
  const isCritical = ({ from, to }) => order.includes(from) && order[order.indexOf(from) + 1] === to;
  for (const link of [...links.filter((each) => !isCritical(each)), ...links.filter(isCritical)])
    picture.append(svg("path", { class: isCritical(link) ? "edge critical" : "edge", d: lineAlong(link.way, longest) }));
  const groups = new Map();
  for (const stage of stages) {
    const { x, y } = slots.get(stage.id), edge = side(stage, longest), share = dearest ? (stage.llm_totals.cost || 0) / dearest : 0;
    const box = svg("rect", { x, y: y - edge / 2, width: edge, height: edge, rx: 4 });
    box.style.setProperty("fill", costColor(share));
    const name = svg("text", { x, y: y + edge / 2 + 15 }), sub = svg("text", { class: "sub", x, y: y + edge / 2 + 29 });
    name.textContent = brief(stage.id, Math.floor((wide - TURN) / 7.5));
    sub.textContent = [seconds(stage.wall_seconds), costText(stage.llm_totals, report.pricing.currency)].filter((word) => word !== UNKNOWN).join(" · ") || stage.status;
    const label = [stageName(stage.id), stage.status, seconds(stage.wall_seconds), costText(stage.llm_totals, report.pricing.currency)].filter((word) => word !== UNKNOWN).join(", ");
    const title = svg("title");
    title.textContent = label;
    const group = svg("g", { class: `node ${stage.status}`, role: "button", tabindex: groups.size ? -1 : 0, "aria-label": label }, title, svg("rect", { class: "ring", x: x - 4, y: y - edge / 2 - 4, width: edge + 8, height: edge + 8, rx: 7 }), box, name, sub);
    group.dataset.node = JSON.stringify(stage.id);
    group.addEventListener("click", () => choose(stage.id));
    group.addEventListener("keydown", (event) => alongGraph(event, slots.get(stage.id), placed, groups, () => choose(stage.id)));
    groups.set(stage.id, group);
    picture.append(group);
  }
  return [el("div", { class: "card scroll" }, picture), graphLegend(longest, dearest, report)];
}

// Straight past names, and turning only between columns, where no name is.
function lineAlong(way, longest) {
  let d = "";
  way.forEach((slot, i) => {
    if (!i) { d = `M${slot.x + side(slot.stage, longest)} ${slot.y}`; return; }
    const before = way[i - 1], turn = slot.x - TURN, middle = slot.x - TURN / 2;
    d += `L${turn} ${before.y}C${middle} ${before.y} ${middle} ${slot.y} ${slot.x} ${slot.y}`;
  });
  return d;
}

// Arrow keys: to what it waits for, to what waits for it, up and down in its column.
function alongGraph(event, slot, columns, groups, open) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const column = columns.find((each) => each.includes(slot)).filter((each) => each.stage), at = column.indexOf(slot);
  const beyond = (next, way) => { while (next && !next.stage) [next] = next[way]; return next; };
  const to = { ArrowLeft: () => beyond(slot.before[0], "before"), ArrowRight: () => beyond(slot.after[0], "after"), ArrowUp: () => column[at - 1], ArrowDown: () => column[at + 1] }[event.key];
  if (to) {
    const next = to();
    if (next) {
      for (const group of groups.values()) group.setAttribute("tabindex", -1);
      const group = groups.get(next.stage.id);
      group.setAttribute("tabindex", 0);
      group.focus();
    }
  } else if (event.key === "Enter" || event.key === " ") open();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function graphLegend(longest, dearest, report) {
  const scale = dearest ? [0, 0.25, 0.5, 1].map((share) => { const box = el("i", { "aria-hidden": "true", class: "mark-cost" }); box.style.setProperty("background", costColor(share)); return box; }) : [];
  return el("p", { class: "legend" }, el("span", { text: `area: wall time, the largest is ${seconds(longest)}` }),
    dearest ? el("span", {}, `colour: cost, from ${money(0, report.pricing.currency)} `, ...scale, ` to ${money(dearest, report.pricing.currency)}`) : null,
    report.critical_path.stages.length > 1 ? el("span", {}, el("i", { class: "mark-path", "aria-hidden": "true" }), "critical path") : null,
    report.stages.some((stage) => stage.status === "reused") ? el("span", {}, el("i", { class: "mark-reused", "aria-hidden": "true" }), "reused") : null);
}

const costColor = (share) => `color-mix(in srgb, var(--good) ${Math.round(8 + 82 * share)}%, var(--card))`;
const side = (stage, longest) => 8 + 36 * Math.sqrt((stage.wall_seconds || 0) / longest);
