// The log and the artifacts of the stage that is open. They stand while new figures come, and are looked at again.
const AGAIN_AFTER = 2000;

class StageFiles {
  constructor(sourceNow) {
    this.sourceNow = sourceNow;
    this.select = el("select", { on: { change: () => { this.shard = Number(this.select.value); this.ask(this.stage, this.element); } } });
    this.choice = el("p", { class: "against" }, el("label", {}, "log of shard ", this.select));
  }

  // Puts them before another element, or leaves them where they are if that stage was open already.
  show(below, stage, run) {
    const fresh = !this.stage || this.stage.id !== stage.id || this.run !== run;
    if (fresh) {
      if (this.element) this.element.remove();
      this.element = el("div", { class: "beside" });
      below.before(this.element);
      this.shard = undefined;
    }
    const due = fresh || stage.status !== this.stage.status || (stage.status === "running" && Date.now() - this.asked > AGAIN_AFTER);
    this.stage = stage;
    this.run = run;
    if (due) this.ask(stage, this.element);
  }

  async ask(stage, element) {
    this.asked = Date.now();
    const source = this.sourceNow(), shard = this.offer(worstFirst(stage).filter((one) => source.hasLog(stage, one.shard)));
    const [log, files] = await Promise.all([source.log(stage, shard), source.files(stage)]);
    if (element !== this.element || (known(shard) && String(shard) !== this.select.value)) return; // another one was chosen meanwhile
    const old = element.querySelector("pre"), below = old ? old.scrollTop + old.clientHeight >= old.scrollHeight - 4 : true, top = old ? old.scrollTop : 0;
    const silent = known(shard) && !(log && log.size) ? [el("p", { class: "hint", text: "It has printed nothing." })] : [];
    redraw(element, [...(known(shard) ? [this.choice] : []), ...silent, ...drawLog(log), ...drawFiles(files, (path) => source.link(files.folder, path, stage))]);
    const made = element.querySelector("pre");
    if (made) made.scrollTop = below ? made.scrollHeight : top;
  }

  // Lets one of these shards be chosen, and gives the number of the one that is; made anew only when there are others: somebody may be choosing.
  offer(shards) {
    const chosen = (shards.find((one) => one.shard === this.shard) || shards[0])?.shard, told = JSON.stringify(shards.map((one) => [one.shard, one.status]));
    if (told !== this.told) this.select.replaceChildren(...shards.map((one) => el("option", { value: one.shard, text: `${one.shard} · ${one.status}` })));
    this.told = told;
    if (known(chosen)) this.select.value = chosen;
    return chosen;
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
