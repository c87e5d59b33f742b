// What the last runs of a recipe took and cost, drawn by hand.
const LENGTHS = [10, 25, 50, 100, 250];

class Trend {
  constructor() {
    const asked = new URLSearchParams(location.search);
    this.recipe = asked.get("recipe");
    this.most = LENGTHS.includes(Number(asked.get("n"))) ? Number(asked.get("n")) : 25;
    this.recipes = el("select", { "aria-label": "recipe", on: { change: () => this.choose() } });
    this.length = el("select", { "aria-label": "how many runs", on: { change: () => this.choose() } }, ...LENGTHS.map((n) => el("option", { value: n, text: String(n), selected: n === this.most })));
    this.result = el("div", {});
    this.element = el("div", {}, el("h1", { text: "Trend" }), el("div", { class: "pickers" }, el("label", {}, "recipe", this.recipes), el("label", { class: "small" }, "last runs", this.length)), this.result);
    document.title = "Trend · taximeter";
    new ResizeObserver(() => this.rows && this.draw()).observe(this.result);
  }

  runs(known_runs) {
    this.rows = [...known_runs.values()].filter((row) => known(row.at)).sort((a, b) => a.at - b.at);
    const recipes = [...new Set(this.rows.map((row) => row.recipe || ""))].sort();
    if (this.recipe === null || !recipes.includes(this.recipe)) this.recipe = this.rows.at(-1)?.recipe || "";
    if (JSON.stringify(recipes) !== this.listed) {
      this.listed = JSON.stringify(recipes);
      this.recipes.replaceChildren(...recipes.map((name) => el("option", { value: name, text: name ? brief(name) : "(no recipe)", selected: name === this.recipe })));
    }
    this.draw();
  }

  choose() {
    this.recipe = this.recipes.value;
    this.most = Number(this.length.value);
    history.replaceState(null, "", "/trend?" + new URLSearchParams({ recipe: this.recipe, n: this.most }));
    this.draw();
  }

  draw() {
    const rows = this.rows.filter((row) => (row.recipe || "") === this.recipe && row.status !== "running").slice(-this.most);
    const width = Math.max(300, this.result.clientWidth - 2), told = JSON.stringify([width, rows]);
    if (told === this.told) return;
    this.told = told;
    if (!rows.length) { this.result.replaceChildren(el("p", { class: "hint", text: "No run of it has ended yet." })); return; }
    const currency = rows.findLast((row) => row.currency)?.currency || "USD";
    const chart = (title, hint, picture) => section(title, hint, el("div", { class: "card" }, picture));
    this.result.replaceChildren(
      chart("Cost", "red: failed or lost · grey: mock · no bar: not known", drawChart(width, rows, (row) => row.cost, (value) => money(value, currency), drawBars)),
      chart("Wall time", "filled red: failed or lost", drawChart(width, rows, (row) => row.wall_seconds, seconds, drawLine)),
      section("Figures", "newest first", tableOf("Runs", [["run", (row) => el("a", { href: "/runs/" + encodeURIComponent(row.id), text: brief(row.id, 60) }), "left long"], ["status", (row) => el("span", { class: row.status, text: (row.status || UNKNOWN).replace("_", " ") }), "left"],
        ["started", (row) => when(row.at)], ["wall", (row) => seconds(row.wall_seconds)], ["cost", (row) => (row.metered ? costText(row, row.currency) : UNKNOWN)], ["calls", (row) => count(row.calls)], ["tokens in", (row) => count(row.prompt_tokens)], ["out", (row) => count(row.completion_tokens)]], [...rows].reverse())));
  }
}

const isBad = (row) => row.status === "failed" || row.status === "lost" || row.status === "over_budget";

function drawChart(width, rows, figure, words, marks) {
  const height = 210, left = 76, bottom = 30, top = 14, tallest = Math.max(...rows.map((row) => figure(row) || 0));
  const step = (width - left - 14) / rows.length, ceiling = niceCeiling(tallest);
  const x = (i) => left + (i + 0.5) * step, y = (value) => height - bottom - (ceiling ? value / ceiling : 0) * (height - bottom - top);
  const picture = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "chart; the table below has the same figures" });
  for (let i = 0; i <= 4; i += 1) {
    const value = (ceiling * i) / 4, label = svg("text", { class: "axis", x: left - 10, y: y(value) + 4 });
    label.textContent = i ? words(value) : "0";
    picture.append(svg("line", { class: "grid", x1: left, x2: width - 14, y1: y(value), y2: y(value) }), label);
  }
  picture.append(...marks(rows, figure, x, y, Math.max(2, Math.min(46, step * 0.66))));
  const every = Math.ceil(rows.length / Math.max(1, Math.floor((width - left) / 108)));
  rows.forEach((row, i) => {
    if (i % every === 0) {
      const label = svg("text", { x: x(i), y: height - 10, "text-anchor": "middle" });
      label.textContent = when(row.at);
      picture.append(label);
    }
    const title = svg("title"), hit = svg("rect", { class: "hit", x: left + i * step, y: top, width: step, height: height - bottom - top }, title);
    title.textContent = `${brief(row.id, 120)}\n${row.status || UNKNOWN}, ${when(row.at)}\n${words(figure(row))}`;
    hit.addEventListener("click", () => { location.href = "/runs/" + encodeURIComponent(row.id); });
    picture.append(hit);
  });
  return picture;
}

function drawBars(rows, figure, x, y, wide) {
  return rows.flatMap((row, i) => (known(figure(row)) ? [svg("rect", { class: `bar${isBad(row) ? " bad" : ""}${row.mocked ? " mock" : ""}`, x: x(i) - wide / 2, y: y(figure(row)), width: wide, height: Math.max(y(0) - y(figure(row)), 1), rx: 2 })] : []));
}

function drawLine(rows, figure, x, y) {
  const points = rows.map((row, i) => [row, x(i), figure(row)]).filter(([, , value]) => known(value));
  const line = svg("path", { class: "wall", d: points.map(([, at, value], i) => `${i ? "L" : "M"}${at} ${y(value)}`).join("") });
  return [line, ...points.map(([row, at, value]) => svg("circle", { class: isBad(row) ? "dot bad" : "dot", cx: at, cy: y(value), r: 3.4 }))];
}

function niceCeiling(value) {
  if (!value) return 0;
  const ten = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].map((n) => n * ten).find((n) => n >= value * 0.999);
}
