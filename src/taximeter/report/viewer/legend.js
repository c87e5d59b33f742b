// What the marks of the timeline mean, and in numbers what they leave out.
function timelineHint(report) {
  const t = report.timeline, sum = (values) => values.reduce((a, b) => a + b, 0);
  const bars = (n, noun, made, width) => (n ? (width ? `${plural(n, noun)} in ${plural(made, "bar")} of up to ${seconds(width)}` : plural(n, noun)) : "");
  const unseen = (n, what) => (n ? `${plural(n, what[0])} ${what[1]}` : "");
  const shown = report.stages.filter((s) => s.started_at || t.lanes.some((lane) => lane.stage_id === s.id)).length;
  return [report.metered ? bars(sum(t.calls), "call", t.calls.length, t.bin_seconds) || "no calls" : "", bars(sum(t.spans.count), "span", t.spans.count.length, t.spans.bin_seconds),
    unseen(t.untimed_calls, ["call", "without a time"]), unseen(t.left_out_calls, ["call", "left out"]), unseen(t.spans.left_out, ["span", "left out"]),
    unseen(Math.max(0, shown - STAGES_MOST), ["shorter stage", "not drawn"])].filter(Boolean).join(" · ");
}

function timelineLegend(report) {
  const t = report.timeline, mark = (kind, text) => el("span", {}, el("i", { class: `mark-${kind}`, "aria-hidden": "true" }), text);
  return el("p", { class: "legend" }, mark("attempt", report.stages.some((s) => s.shards.length) ? "attempt of a stage; below it its shards, a line each" : "attempt of a stage"), report.critical_path.stages.length ? mark("critical", "critical path") : null,
    t.calls.length ? mark("call", "calls under way") : null, t.spans.count.length ? mark("span", "spans") : null,
    report.metered ? mark("meter", "beside a name: share of its time spent waiting for models, and on local CPU (striped)") : null);
}
