// Puts the dashboard together: the list at the side, and beside it a run, two runs compared, or a trend.
class Dashboard {
  constructor() {
    const page = location.pathname;
    this.view = page === "/compare" ? new Compare() : page === "/trend" ? new Trend() : null;
    this.list = new RunList((id, event) => this.pick(id, event));
    this.live = new Live({
      runs: (changes) => this.takeRuns(changes), report: (news) => this.takeReport(news),
      trouble: ({ run, error }) => this.notice(`${brief(run)}: ${brief(error, 300)}`),
      beat: () => this.awaited && this.list.known.size && this.notice("Reading the run…"), fresh: (at, alive) => this.fresh(at, alive),
    });
    this.drawer();
    addEventListener("popstate", () => this.follow());
    document.addEventListener("selectionchange", () => this.waiting && this.draw());
    if (this.view) {
      byId("run").hidden = true;
      byId("view").hidden = false;
      byId("view").append(this.view.element);
      this.live.follow("");
    } else {
      byId("top").after(el("div", { id: "dash" }));
      this.files = new Files();
      byId("page").after(el("div", { id: "files" }, this.files.element));
      this.follow();
    }
  }

  // The address says which run was picked; without one the newest is shown, whichever it is.
  follow() {
    const found = /^\/runs\/([^/]+)$/.exec(location.pathname);
    let picked = null;
    try { picked = found && decodeURIComponent(found[1]); } catch { /* no run has such a name */ }
    if (picked !== null && picked === this.picked) return; // another stage of the same run
    this.picked = picked;
    this.awaited = !this.view;
    this.list.choose(picked || this.report?.run_id);
    this.live.follow(picked || "latest");
  }

  pick(id, event) {
    this.openDrawer(false);
    if (this.view) return; // the link leads to its page
    event.preventDefault();
    this.notice("");
    history.pushState(null, "", "/runs/" + encodeURIComponent(id) + location.search);
    this.follow();
  }

  takeRuns(changes) {
    this.list.take(changes);
    this.view?.runs(this.list.known);
    if (!this.view && !this.list.known.size) this.nothing();
  }

  takeReport({ run, whole, parts }) {
    const other = run !== this.shown;
    if (this.awaited) { this.awaited = false; this.notice(""); }
    if (whole || other) this.report = parts; else this.report = { ...this.report, ...parts };
    if (this.picked && run !== this.picked) {
      this.notice(`The run ${brief(this.picked)} is not there any more: this is the newest one.`);
      this.picked = null;
      history.replaceState(null, "", "/" + location.search);
    }
    if (other) {
      this.shown = run;
      this.list.choose(run);
      this.list.reveal(run);
    }
    this.draw(other);
  }

  // New figures wait while somebody selects text, which would be lost.
  draw(other) {
    this.other = this.other || other;
    this.waiting = !this.other && getSelection().type === "Range" && byId("run").contains(getSelection().anchorNode);
    if (this.waiting) return;
    const anew = this.other;
    this.other = false;
    byId("run").classList.remove("none");
    byId("data").dataset.from = "/api/runs/" + encodeURIComponent(this.report.run_id);
    byId("topbar-name").textContent = visible(this.report.run_id);
    if (anew && window.taximeter) this.leave();
    keepingPlaces(() => {
      if (window.taximeter) window.taximeter.update(this.report); else window.taximeter = new App(this.report);
      const open = (id) => window.taximeter.open(id);
      byId("dash").replaceChildren(el("div", { class: (this.report.recent || []).length ? "pair-of" : "" }, drawSummary(this.report), drawRecent(this.report)), drawStageCards(this.report, open));
    });
    this.files.update(this.report);
  }

  // Another run: nothing of what was zoomed, opened or scrolled to in the last one.
  leave() {
    if (location.hash) history.replaceState(null, "", location.pathname + location.search);
    window.taximeter.timeline.view = null;
    window.taximeter.follow();
    scrollTo(0, 0);
  }

  nothing() {
    document.title = "taximeter";
    byId("top").replaceChildren(el("div", { class: "empty" }, el("h1", { text: "No runs yet" }), el("p", { text: "`taximeter run RECIPE --instrument` makes one; it appears here when it starts." })));
  }

  notice(text) {
    byId("notice").textContent = text;
    byId("notice").hidden = !text;
  }

  fresh(at, alive) {
    const place = byId("fresh"), time = at ? new Date(at).toLocaleTimeString("en-GB") : "";
    place.classList.toggle("stale", !alive);
    alive ? place.removeAttribute("role") : place.setAttribute("role", "alert"); // the time itself need not be read out
    const text = alive ? `live, ${time}` : time ? `stale since ${time}: no answer from the server` : "no answer from the server";
    if (place.textContent !== text) place.textContent = text;
  }

  drawer() {
    byId("side-open").addEventListener("click", () => this.openDrawer(true));
    byId("side-close").addEventListener("click", () => this.openDrawer(false));
    byId("side").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.openDrawer(false);
      event.stopPropagation(); // the keys of the page are not meant
    });
  }

  openDrawer(opened) {
    const was = byId("side").classList.contains("open");
    byId("side").classList.toggle("open", opened);
    byId("side-open").setAttribute("aria-expanded", String(opened));
    if (opened) { this.list.draw(); byId("runs-search").focus(); } else if (was) byId("side-open").focus();
  }
}

// What is drawn anew stays scrolled as it was, and what had the focus has it again.
function keepingPlaces(draw) {
  const name = (place) => place.getAttribute("aria-label");
  const scrolled = new Map([...byId("run").querySelectorAll(".scroll, .recent")].map((place) => [name(place), [place.scrollLeft, place.scrollTop]]));
  const focused = document.activeElement, card = focused?.dataset?.card, selected = focused?.id === "search" ? [focused.selectionStart, focused.selectionEnd] : null;
  draw();
  for (const place of byId("run").querySelectorAll(".scroll, .recent")) [place.scrollLeft, place.scrollTop] = scrolled.get(name(place)) || [0, 0];
  if (card !== undefined) [...document.querySelectorAll(".stage-card")].find((made) => made.dataset.card === card)?.focus({ preventScroll: true });
  if (selected) { byId("search").focus({ preventScroll: true }); byId("search").setSelectionRange(...selected); }
}

window.dashboard = new Dashboard();
