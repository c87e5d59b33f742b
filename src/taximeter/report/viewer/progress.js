// How far a stage that runs says it is.
function progressOf(stage) {
  const said = stage.progress;
  if (stage.status !== "running" || !said || !known(said.current)) return null;
  const whole = known(said.percent), done = whole ? `${Math.round(said.percent)} %` : count(Math.round(said.current));
  const words = [done, known(said.seconds_left) ? `${seconds(said.seconds_left)} left` : null].filter(Boolean).join(" · ");
  return el("span", { class: "progress" }, whole ? el("progress", { max: 100, value: said.percent, "aria-label": `progress of ${stageName(stage.id)}` }) : null, el("span", { class: "hint", text: words }));
}

function progressText(stage) {
  const said = stage.progress;
  if (!said) return null;
  return [known(said.percent) ? `${said.percent} %` : null, known(said.current) ? `${count(Math.round(said.current))}${known(said.total) ? ` of ${count(Math.round(said.total))}` : ""}` : null,
    known(said.per_second) ? `${said.per_second.toPrecision(3)} / s` : null, known(said.seconds_left) ? `${seconds(said.seconds_left)} left` : null, said.message ? brief(said.message, 200) : null].filter(Boolean).join(" · ");
}
