// A card for each stage: how it stands, what it took, and in its tooltip what its module says of itself.
function drawStageCards(report, open) {
  const currency = report.pricing.currency, described = report.stages.some((stage) => stage.description);
  return section("Stages at a glance", null, el("div", { class: "cards" }, ...report.stages.map((stage) => {
    const totals = stage.llm_totals, tokens = totals.prompt_tokens + totals.completion_tokens, notes = own(report.modules, stage.id);
    const figures = report.metered ? [costText(totals, currency) === UNKNOWN ? null : costText(totals, currency), known(stage.wall_seconds) ? seconds(stage.wall_seconds) : null, totals.calls ? plural(totals.calls, "call") : null, tokens ? `${count(tokens)} tokens` : null] : [known(stage.wall_seconds) ? seconds(stage.wall_seconds) : null];
    const status = stage.status.replace("_", " ") + (stage.stale ? ", stale" : "") + (stage.mocked ? ", mock" : "");
    return el("button", { type: "button", class: "stage-card", title: notes ? notes.trim().split("\n").map(visible).join("\n") : null, data: { card: JSON.stringify(stage.id) }, on: { click: () => open(stage.id) } },
      el("span", { class: "name" }, el("span", { text: stageName(stage.id) }), el("span", { class: `status ${stage.status}`, text: status })),
      described ? el("span", { class: "what", text: stage.description ? brief(stage.description, 200) : "" }) : null,
      el("span", { class: "figures" }, ...figures.filter(Boolean).map((text) => el("span", { text: text }))), drawProgress(stage));
  })));
}

function drawProgress(stage) {
  const said = stage.progress;
  if (!said || stage.status !== "running") return null;
  const left = known(said.seconds_left) ? `, ${seconds(said.seconds_left)} left` : "", label = known(said.percent) ? `${said.percent} %${left}` : brief(said.message || "", 80);
  return el("progress", { max: 100, value: known(said.percent) ? said.percent : null, "aria-label": `progress of ${stageName(stage.id)}`, title: label });
}
