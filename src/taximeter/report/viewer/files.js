// The log and the artifacts of the stage that is open. They stand while new figures come, and are looked at again.
const AGAIN_AFTER = 2000;

class StageFiles {
  constructor(sourceNow) { this.sourceNow = sourceNow; }

  // Puts them before another element, or leaves them where they are if that stage was open already.
  show(below, stage, run) {
    const fresh = !this.stage || this.stage.id !== stage.id || this.run !== run;
    if (fresh) {
      if (this.element) this.element.remove();
      this.element = el("div", { class: "beside" });
      below.before(this.element);
    }
    const due = fresh || stage.status !== this.stage.status || (stage.status === "running" && Date.now() - this.asked > AGAIN_AFTER);
    this.stage = stage;
    this.run = run;
    if (due) this.ask(stage, this.element);
  }

  async ask(stage, element) {
    this.asked = Date.now();
    const source = this.sourceNow(), [log, files] = await Promise.all([source.log(stage), source.files(stage)]);
    const old = element.querySelector("pre"), below = old ? old.scrollTop + old.clientHeight >= old.scrollHeight - 4 : true, top = old ? old.scrollTop : 0;
    element.replaceChildren(...drawLog(log), ...drawFiles(files, (path) => source.link(files.folder, path, stage)));
    const made = element.querySelector("pre");
    if (made) made.scrollTop = below ? made.scrollHeight : top;
  }
}

function drawLog(log) {
  if (!log || !log.size) return [];
  const shown = log.begin ? `the last ${size(log.size - log.begin)} of ${size(log.size)}` : size(log.size);
  return [el("h3", {}, "Log ", el("span", { class: "hint", text: `attempt ${log.attempt} · ${shown}` })),
    el("pre", { class: "log", tabindex: 0, role: "region", "aria-label": "Log", text: log.text.split("\n").map(visible).join("\n") })];
}

function drawFiles(found, link) {
  if (!found || !found.files.length) return [];
  const name = (file) => el("a", { href: link(file.path), target: "_blank", rel: "noopener noreferrer", text: brief(file.path, 120) });
  const more = found.left_out ? `${count(found.left_out)} more in the folder` : found.truncated ? "there are more in the folder" : "";
  return [el("h3", {}, "Artifacts ", el("span", { class: "hint", text: [visible(found.folder) + "/", more].filter(Boolean).join(" · ") })),
    tableOf("Artifacts", [["file", name, "left long"], ["size", (file) => size(file.size)], ["changed", (file) => (file.modified ? moment(file.modified) : UNKNOWN)]], found.files)];
}
