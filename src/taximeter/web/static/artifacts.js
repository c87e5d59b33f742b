// What the stages of the run made and printed: a list of files beside what is in them.
const FIRST_ROWS = 200;

class Files {
  constructor() {
    this.asked = new Map(); // stage -> its state, and the listing that was asked for in it
    this.nav = el("nav", { "aria-label": "Files" });
    this.file = el("div", { class: "file", "aria-live": "polite" });
    this.element = section("Artifacts and logs", null, el("div", { class: "card files" }, this.nav, this.file));
  }

  // Lists again only when a stage has begun, ended or made something.
  async update(report) {
    if (this.run !== report.run_id) { this.run = report.run_id; this.chosen = this.told = null; this.asked.clear(); this.file.replaceChildren(); }
    const begun = report.stages.filter((stage) => stage.id !== null && !["pending", "skipped"].includes(stage.status));
    const states = begun.map((stage) => JSON.stringify([stage.status, stage.artifact, stage.attempts.length])), told = JSON.stringify([begun.map((stage) => stage.id), states]);
    if (told === this.told) return;
    this.told = told;
    const listings = await Promise.all(begun.map((stage, i) => this.list(stage.id, states[i])));
    if (told !== this.told) return;
    const stages = begun.map((stage, i) => [stage, listings[i]]).filter(([, listing]) => listing && listing.files.length);
    this.nav.replaceChildren(...stages.flatMap(([stage, listing]) => [el("h3", { text: stageName(stage.id) }), ...listing.files.map((file) => this.button(stage, file)),
      listing.truncated ? el("p", { class: "hint", text: "and more" }) : null].filter(Boolean)));
    this.element.hidden = !stages.length;
    if (!this.chosen) {
      const made = stages.filter(([, listing]) => listing.artifact && listing.files[0].path === listing.artifact).at(-1);
      if (made) this.open(made[0].id, made[1].files[0]);
    }
  }

  // A stage that stands as it did has the files that it had.
  list(stage, state) {
    if (this.asked.get(stage)?.state !== state) this.asked.set(stage, { state, listing: this.ask(stage, "artifacts").catch(() => null) });
    return this.asked.get(stage).listing;
  }

  address(stage, rest) { return `/api/runs/${encodeURIComponent(this.run)}/stages/${encodeURIComponent(stage)}/${rest}`; }

  async ask(stage, rest) {
    const answer = await fetch(this.address(stage, rest));
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || `the server says ${answer.status}`);
    return answer.json();
  }

  button(stage, file) {
    const key = JSON.stringify([stage.id, file.path]);
    return el("button", { type: "button", data: { file: key }, "aria-current": key === this.chosen ? "true" : null, title: visible(file.path), on: { click: () => this.open(stage.id, file) } },
      el("span", { text: brief(file.path, 120) }), el("span", { text: size(file.size) }));
  }

  async open(stage, file) {
    const key = (this.chosen = JSON.stringify([stage, file.path]));
    for (const button of this.nav.querySelectorAll("button")) button.dataset.file === key ? button.setAttribute("aria-current", "true") : button.removeAttribute("aria-current");
    const path = file.path.split("/").map(encodeURIComponent).join("/"), log = /^(?:shards\/(\d+)\/)?log\.(\d+)\.txt$/.exec(file.path);
    try {
      const found = log ? logView(await this.ask(stage, `log?attempt=${log[2]}${log[1] ? `&shard=${log[1]}` : ""}`), file) : await this.ask(stage, `artifacts/${path}?rows=${FIRST_ROWS}`);
      if (key === this.chosen) this.show(found, this.address(stage, `artifacts/${path}`));
    } catch (error) {
      if (key === this.chosen) this.file.replaceChildren(el("p", { class: "file-body hint", text: brief(error.message, 300) }));
    }
  }

  show(found, address) {
    const [flush, body] = drawFile(found, address), image = found.kind === "image";
    const tab = found.kind === "other" ? el("a", { text: "download", href: address, download: true }) : el("a", { text: "open in new tab", href: image ? address : address + "?as=text", target: "_blank", rel: "noopener" });
    this.file.replaceChildren(el("div", { class: "file-head" }, el("b", { text: brief(found.path, 200) }), el("span", { class: "hint", text: [size(found.size), found.hint ?? (found.truncated && !image ? `the first ${plural(found.rows, "row")}` : "")].filter(Boolean).join(" · ") }), tab),
      el("div", { class: flush ? "file-body flush" : "file-body", tabindex: 0, role: "region", "aria-label": "Content" }, ...body));
  }
}

function logView(tail, file) {
  return { path: file.path, kind: "text", size: tail.size, text: tail.text, hint: tail.begin ? "the end" : "" };
}

function drawFile(found, address) {
  if (found.kind === "image") return [false, [el("img", { src: address, alt: brief(found.path, 120) })]];
  if (!known(found.text)) return [false, [el("p", { class: "hint", text: "This is no text." })]];
  if (!found.text) return [false, [el("p", { class: "hint", text: "Empty." })]];
  if (found.kind === "json") return [false, [highlighted(pretty(found.text))]];
  if (found.kind === "jsonl") return [true, drawJsonLines(found.text)];
  if (found.kind === "csv") return [true, [drawCsv(found.text, found.path.endsWith(".tsv") ? "\t" : ",")]];
  if (found.kind === "markdown") return [false, [drawMarkdown(found.text)]];
  return [false, [el("pre", { text: shownText(found.text) })]];
}

// Lines stay lines; everything else that cannot be seen is made visible.
const shownText = (text) => text.split("\n").map((line) => line.split("\t").map(visible).join("\t")).join("\n");
