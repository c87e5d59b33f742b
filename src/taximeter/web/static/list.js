// The list of runs. Only the rows that can be seen are in the page, however many runs there are.
const ROW_HEIGHT = 72, BEYOND = 6;
const TAIL = 7; // last signs of an id, always shown: runs of one recipe differ in them
const STATUSES = ["running", "done", "failed", "lost", "cancelled", "over_budget"];

class RunList {
  constructor(pick) {
    this.pick = pick;
    this.known = new Map(); // id -> row, as the server tells it
    this.shown = []; // those that the filter lets through, newest first
    this.made = new Map(); // id -> its element, of those that can be seen
    this.place = byId("runs");
    this.space = el("div", { class: "space", role: "presentation" });
    this.place.replaceChildren(this.space);
    this.search = byId("runs-search");
    this.status = byId("runs-status");
    for (const status of STATUSES) this.status.append(el("option", { value: status, text: status.replace("_", " ") }));
    const asked = new URLSearchParams(location.search);
    this.search.value = asked.get("q") || "";
    this.status.value = STATUSES.includes(asked.get("status")) ? asked.get("status") : "";
    for (const input of [this.search, this.status]) input.addEventListener("input", () => this.filter());
    this.place.addEventListener("scroll", () => this.later());
    this.place.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.later()).observe(this.place);
  }

  take({ whole, removed, rows }) {
    if (whole) this.known.clear();
    for (const id of removed) this.known.delete(id);
    for (const row of rows) this.known.set(row.id, row);
    this.sort();
  }

  sort() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean), status = this.status.value;
    const fits = (row) => (!status || row.status === status) && words.every((word) => searched(row).includes(word));
    const top = this.shown[Math.floor(this.place.scrollTop / ROW_HEIGHT)], within = this.place.scrollTop % ROW_HEIGHT;
    this.shown = [...this.known.values()].filter(fits).sort((a, b) => (b.at ?? -Infinity) - (a.at ?? -Infinity) || 0);
    this.space.style.setProperty("height", this.shown.length * ROW_HEIGHT + "px");
    if (this.place.scrollTop > 0 && top) { // what is being looked at stays where it is
      const now = this.shown.findIndex((row) => row.id === top.id);
      if (now >= 0) this.place.scrollTop = now * ROW_HEIGHT + within;
    }
    const all = this.known.size;
    byId("runs-count").textContent = this.shown.length === all ? plural(all, "run") : `${count(this.shown.length)} of ${plural(all, "run")}`;
    this.draw();
  }

  filter() {
    const asked = new URLSearchParams(location.search);
    for (const [name, input] of [["q", this.search], ["status", this.status]]) input.value ? asked.set(name, input.value) : asked.delete(name);
    const query = asked.toString();
    history.replaceState(null, "", location.pathname + (query ? "?" + query : "") + location.hash);
    this.sort();
    this.place.scrollTop = 0;
  }

  choose(id) { this.chosen = id; this.draw(); }

  reveal(id) {
    const at = this.shown.findIndex((row) => row.id === id);
    if (at >= 0 && this.place.clientHeight) this.place.scrollTop = Math.max(0, (at + 0.5) * ROW_HEIGHT - this.place.clientHeight / 2);
  }

  later() { if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); }); }

  draw() {
    const first = Math.max(0, Math.floor(this.place.scrollTop / ROW_HEIGHT) - BEYOND);
    const last = Math.min(this.shown.length, Math.ceil((this.place.scrollTop + this.place.clientHeight) / ROW_HEIGHT) + BEYOND);
    const seen = new Map(), focused = this.focused();
    for (let i = first; i < last; i += 1) {
      const row = this.shown[i], item = this.item(row);
      item.style.setProperty("top", i * ROW_HEIGHT + "px");
      item.setAttribute("aria-posinset", i + 1);
      item.setAttribute("aria-setsize", this.shown.length);
      const link = item.firstChild, chosen = row.id === this.chosen;
      link.classList.toggle("chosen", chosen);
      chosen ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
      seen.set(row.id, item);
    }
    this.stop(seen, focused);
    for (const [id, item] of this.made) if (seen.get(id) !== item) item.remove();
    for (const item of seen.values()) if (!item.isConnected) this.space.append(item);
    if (this.made.get(focused) !== seen.get(focused)) seen.get(focused)?.firstChild.focus({ preventScroll: true });
    this.made = seen;
  }

  focused() { return [...this.made].find(([, item]) => item.contains(document.activeElement))?.[0]; }

  // One of the rows can be reached with the tab key, and from it the others with the arrows.
  stop(seen, focused) {
    const visible_rows = this.shown.slice(Math.ceil(this.place.scrollTop / ROW_HEIGHT)), stop = seen.get(focused) || seen.get(this.chosen) || seen.get(visible_rows[0]?.id);
    for (const item of seen.values()) item.firstChild.tabIndex = item === stop ? 0 : -1;
  }

  item(row) {
    const made = this.made.get(row.id);
    if (made && made.row === row) return made;
    const item = el("div", { role: "listitem" }, drawListed(row, (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (row.gone) event.preventDefault(); else this.pick(row.id, event);
    }));
    item.row = row;
    return item;
  }

  key(event) {
    const id = this.focused(), at = this.shown.findIndex((row) => row.id === id), last = this.shown.length - 1;
    const to = { ArrowDown: Math.min(at + 1, last), ArrowUp: Math.max(at - 1, 0), Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    const top = to * ROW_HEIGHT, below = top + ROW_HEIGHT - this.place.clientHeight;
    if (this.place.scrollTop > top) this.place.scrollTop = top; else if (this.place.scrollTop < below) this.place.scrollTop = below;
    this.draw();
    this.made.get(this.shown[to].id)?.firstChild.focus({ preventScroll: true });
  }
}

function searched(row) {
  row.words ??= [row.id, row.recipe, row.status, ...Object.entries(row.tags || {}).flatMap(([key, value]) => [`${key}=${value}`])].join(" ").toLowerCase();
  return row.words;
}

function drawListed(row, heard) {
  const tokens = (row.prompt_tokens || 0) + (row.completion_tokens || 0);
  const tags = Object.entries(row.tags || {}).map(([key, value]) => `${brief(key, 24)}=${brief(value, 24)}`).join("  ");
  const status = (row.status || "unknown").replace("_", " ") + (row.mocked ? ", mock" : "");
  const id = brief(row.id, 120), end = Math.max(0, id.length - TAIL);
  return el("a", { class: `row${row.gone ? " gone" : ""}`, href: row.gone ? null : "/runs/" + encodeURIComponent(row.id), "aria-disabled": row.gone ? "true" : null, role: row.gone ? "link" : null, on: { click: heard } },
    el("span", { class: "first" }, el("span", { class: "id", title: visible(row.id) }, el("span", { text: id.slice(0, end) }), el("span", { text: id.slice(end) })), el("span", { class: "cost", text: row.metered ? costText(row, row.currency) : "" })),
    el("span", {}, el("span", { class: "soft" }, el("span", { class: `status ${row.status || "lost"}`, text: status }), row.recipe ? ` · ${brief(row.recipe, 60)}` : "", row.at ? el("time", { title: new Date(row.at * 1000).toISOString(), text: " · " + when(row.at) }) : ""), el("span", { text: known(row.wall_seconds) ? seconds(row.wall_seconds) : "" })),
    el("span", {}, el("span", { class: "soft", text: [row.metered ? `${count(tokens)} tokens` : "", tags].filter(Boolean).join(" · ") }), el("span", { class: "doubt", text: completeness(row) })));
}

// What is to be known before believing the figures.
function completeness(row) {
  if (row.gone) return "directory gone";
  if (row.metered === undefined) return "";
  if (!row.metered) return "not metered";
  return { partial: "partly priced", estimated: "estimated", unpriced: "no prices" }[row.cost_status] || (row.status === "lost" ? "as far as known" : "");
}

// Local time: of today the minute, of this year the day.
function when(at) {
  const then = new Date(at * 1000), now = new Date();
  const minute = then.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (then.toDateString() === now.toDateString()) return minute;
  const day = then.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return then.getFullYear() === now.getFullYear() ? `${day} ${minute}` : `${day} ${then.getFullYear()}`;
}
