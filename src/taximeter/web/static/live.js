// What the server tells while the page is looked at. It says something every few seconds; if it does not, the line is dead.
const SILENCE = 10000, AGAIN = 2000;

class Live {
  constructor(hear) {
    this.hear = hear; // {runs, report, trouble, beat, fresh}
    this.wanted = "";
    this.version = "";
    this.heard = 0;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
    setInterval(() => this.watch(), 1000);
  }

  follow(wanted) { this.wanted = wanted; this.open(); }

  // A browser keeps six lines to a server for all its windows: a window that nobody looks at needs none.
  open() {
    this.close();
    if (document.hidden) return;
    this.asked = Date.now();
    const source = (this.source = new EventSource(`/api/live?run=${encodeURIComponent(this.wanted)}&since=${encodeURIComponent(this.version)}`));
    const on = (name, take) => source.addEventListener(name, (event) => {
      if (source !== this.source) return;
      this.heard = Date.now();
      if (event.lastEventId) this.version = event.lastEventId;
      take(JSON.parse(event.data));
      this.hear.fresh(this.heard, true);
    });
    for (const name of ["runs", "report", "trouble", "beat"]) on(name, this.hear[name]);
    source.addEventListener("error", () => source === this.source && this.hear.fresh(this.heard, false));
  }

  close() { this.source?.close(); this.source = null; }

  watch() {
    if (!this.source) return;
    const silent = Date.now() - Math.max(this.heard, this.asked);
    if (silent > SILENCE) this.hear.fresh(this.heard, false);
    const refused = this.source.readyState === EventSource.CLOSED && Date.now() - this.asked > AGAIN;
    if (refused) this.ask();
    if (silent > SILENCE || refused) this.open();
  }

  // A server that was started with another token wants to be shown that one.
  async ask() {
    const answer = await fetch("/api/runs?since=" + encodeURIComponent(this.version)).catch(() => null);
    if (answer?.status === 401) location.assign("/login");
  }
}
