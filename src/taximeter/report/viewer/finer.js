// Finer bars for the part of the timeline in view, from whoever serves the page. Until they come the coarse ones stand.
const FINER_MOST = 4000, FINER_KEPT = 12, FINER_PAUSE = 60;

class FinerBars {
  constructor(sourceNow, arrived) {
    this.sourceNow = sourceNow;
    this.arrived = arrived;
    this.parts = []; // of the run, the latest last: { from, to, bars }
  }

  forget() { this.parts = []; }

  // What reached into the present is shown until the same part is there anew.
  grown(now) { for (const part of this.parts) part.stale ||= part.to >= now; }

  // The bars of the smallest part that holds the view and is not much larger; asks for one if there is none.
  of(view, origin) {
    const length = view[1] - view[0], fits = this.parts.filter((part) => part.from <= view[0] && part.to >= view[1]);
    const best = fits.reduce((a, b) => (!a || b.to - b.from <= a.to - a.from ? b : a), null);
    if (!best || best.stale || (best.binned && best.to - best.from > 6 * length)) this.want([view[0] - length, view[1] + length], origin);
    return best;
  }

  want(part, origin) {
    this.wanted = part;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(part, origin), FINER_PAUSE);
  }

  async ask([from, to], origin) {
    if (this.asking) this.asking.abort();
    const asking = (this.asking = new AbortController());
    const found = await this.sourceNow().bars(from, to, FINER_MOST, asking.signal);
    if (!found || asking.signal.aborted) return;
    const bars = barsOf(found, Date.parse(found.started_at) - origin), binned = found.bin_seconds > 0 || found.spans.bin_seconds > 0;
    this.parts = [...this.parts.slice(1 - FINER_KEPT), { from, to, bars, binned }];
    this.arrived();
  }
}
