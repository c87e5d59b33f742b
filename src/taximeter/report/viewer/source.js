// Where logs, files and finer bars come from: out of the page itself, or from whoever serves it.
class Enclosed {
  constructor(app) { this.app = app; }
  async log(stage, shard) { return (known(shard) ? this.ofShard(stage, shard) : own(this.app.report.logs, stage.id)) || null; }
  ofShard(stage, shard) { return own(own(this.app.report.shard_logs, stage.id), shard); }
  hasLog(stage, shard) { return Boolean(this.ofShard(stage, shard)); }
  async files(stage) { return own(this.app.report.files, stage.id) || null; }
  async bars() { return null; }
  link(folder, path) { return [this.app.report.base || ".", folder, path].join("/").split("/").map(encodeURIComponent).join("/"); }
}

class Served {
  constructor(address) { this.address = address; }
  run(id) { return ask(this.address.replace(/[^/]*$/, encodeURIComponent(id))); }
  runs() { return ask(this.address.replace(/\/[^/]*$/, "")); }
  stage(id) { return `${this.address}/stages/${encodeURIComponent(id)}`; }
  async log(stage, shard) { return ask(`${this.stage(stage.id)}/log?tail=20000${known(shard) ? `&shard=${shard}` : ""}`); }
  hasLog() { return true; }
  async files(stage) { return ask(`${this.stage(stage.id)}/artifacts`); }
  async bars(from, to, most, signal) { return ask(`${this.address}/events?from=${from}&to=${to}&limit=${most}`, { signal }); }
  link(folder, path, stage) { return `${this.stage(stage.id)}/artifacts/${path.split("/").map(encodeURIComponent).join("/")}`; }
}

// What an address answers; null if it has nothing.
async function ask(address, settings) {
  try {
    const answer = await fetch(address, settings);
    return answer.ok ? await answer.json() : null;
  } catch { return null; }
}

const sourceOf = (app) => (byId("data").dataset.from ? new Served(byId("data").dataset.from) : new Enclosed(app));
