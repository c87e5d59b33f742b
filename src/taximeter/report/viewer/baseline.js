// The run that the headline is compared with: the one that the report names, or, where runs are served, whichever is chosen.
// The choice stands in the address (?baseline=RUN), so it goes along to other runs and to other people.
const CHOICES_MOST = 200;

class BaselineChoice {
  constructor(sourceNow, changed) {
    this.sourceNow = sourceNow;
    this.changed = changed;
    this.select = el("select", { id: "baseline", on: { focus: () => this.offer(), change: () => this.choose(this.select.value) } }, el("option", { value: "", text: "no other run" }));
    this.element = el("p", { class: "against" });
  }

  // The headline to compare with, and the words below the figures.
  of(report) {
    const wanted = this.sourceNow().runs ? new URLSearchParams(location.search).get("baseline") || "" : "";
    if (this.wanted !== wanted) { this.wanted = wanted; this.headline = null; if (wanted) this.ask(wanted); }
    const baseline = report.baseline || this.headline;
    this.tell(report, baseline);
    return baseline;
  }

  tell(report, baseline) {
    if (this.sourceNow().runs && !report.baseline) {
      if (!this.select.isConnected) this.element.replaceChildren(el("label", { for: "baseline", text: "compared with " }), this.select);
      if (this.wanted && ![...this.select.options].some((option) => option.value === this.wanted)) this.select.append(el("option", { value: this.wanted, text: brief(this.wanted) }));
      if (this.select.value !== this.wanted) this.select.value = this.wanted;
    } else this.element.replaceChildren(...(baseline ? [`Differences are against ${brief(baseline.run_id)} (${baseline.status}).`] : []));
  }

  async ask(run) {
    const found = await this.sourceNow().run(run);
    if (run !== this.wanted) return;
    this.headline = found && found.headline;
    this.changed();
  }

  // The list is asked for when somebody wants to choose.
  async offer() {
    const found = await this.sourceNow().runs(), chosen = this.select.value;
    if (!found) return;
    const rows = found.rows.filter((row) => !row.gone).sort((a, b) => (b.at || 0) - (a.at || 0)).slice(0, CHOICES_MOST);
    this.select.replaceChildren(el("option", { value: "", text: "no other run" }), ...rows.map((row) => el("option", { value: row.id, text: [brief(row.id), row.recipe && brief(row.recipe, 40), row.status].filter(Boolean).join(" · ") })));
    if (chosen && !rows.some((row) => row.id === chosen)) this.select.append(el("option", { value: chosen, text: brief(chosen) }));
    this.select.value = chosen;
  }

  choose(run) {
    const address = new URL(location.href);
    if (run) address.searchParams.set("baseline", run); else address.searchParams.delete("baseline");
    history.replaceState(null, "", address);
    this.changed();
  }
}
