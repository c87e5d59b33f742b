"""What stands at the top of a report, and beside another run."""

from decimal import Decimal
from pathlib import Path

import pytest

from taximeter.report import json, markdown
from taximeter.report.baseline import against, differences
from taximeter.report.build import build
from taximeter.report.records import RunInstrumentation
from tests.runs import Writing, call, plan, stage


def a_run(folder: Path, run_id: str = "r", tokens: int = 1000) -> RunInstrumentation:
    stages = [stage(1, "a"), stage(2, "quick", needs=("a",)), stage(3, "slow", needs=("a",))]
    writing = Writing(folder, plan([*stages, stage(4, "last", needs=("quick", "slow"))]), run_id)
    writing.start("a")
    writing.end("a", seconds=1)
    writing.start("quick")
    writing.start("slow")
    when = "2026-01-01T00:00:02Z"
    writing.sink("slow", call(prompt_tokens=tokens, completion_tokens=0, created_at=when, request_ms=1500))
    writing.end("quick", seconds=1)
    writing.end("slow", seconds=3)
    writing.start("last")
    writing.end("last", seconds=1)
    writing.close()
    return build(writing.run)


def test_the_summary_and_the_critical_path(tmp_path: Path) -> None:
    report = a_run(tmp_path)
    assert report.summary == "slow took 67 % of the wall time and 100 % of the cost."
    assert (report.critical_path.stages, report.critical_path.seconds) == (["a", "slow", "last"], 6.0)
    headline = report.headline
    assert headline is not None and headline.parallelism is not None
    assert (headline.wall_seconds, headline.cost, round(headline.parallelism, 3)) == (6.0, Decimal("0.003"), 1.167)


def test_the_timeline_and_the_latency(tmp_path: Path) -> None:
    report = a_run(tmp_path)
    timeline, latency = report.timeline, report.stages[2].latency
    assert [(lane.stage_id, lane.process) for lane in timeline.lanes] == [("slow", "03_stage/calls.1.jsonl")]
    assert (timeline.lane, timeline.models, timeline.lanes[0].waiting_seconds) == ([0], ["big"], 1.5)
    assert (timeline.start_ms, timeline.end_ms) == ([2000], [3500])
    assert (timeline.bin_seconds, timeline.calls, timeline.cost) == (0, [1], [Decimal("0.003")])
    assert (latency.calls, latency.longest_ms) == (1, 1500)
    assert (latency.waiting_ms, latency.waiting_method) == (1500, "exact")
    assert latency.p50_ms == pytest.approx(1500, rel=0.021)


def test_a_run_beside_another(tmp_path: Path) -> None:
    report = against(a_run(tmp_path, "new", tokens=1500), a_run(tmp_path, "old"))
    changes = {each.figure: (each.before, each.now, each.change) for each in differences(report)}
    assert changes["cost"] == ("$0.003", "$0.0045", "+50.0 %")
    assert changes["wall"] == ("6.00 s", "6.00 s", "same")
    assert changes["parallel efficiency"] == ("1.17x", "1.17x", "same")
    assert changes["cost/1k items"] == ("-", "-", "-")
    assert "## Against old" in markdown.render(report)
    assert json.parse(json.render(report)) == report
