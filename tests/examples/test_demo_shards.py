"""The demo with four copies of the stage that asks the model: the same artifacts, calls and cost as with one."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from taximeter.cli.demo import demo_folder
from taximeter.report.build import build
from taximeter.report.records import RunInstrumentation
from taximeter.rundir import RunDir
from tests.run.pipelines import lines, taximeter

NEW_EACH_TIME = ("run_id", "created_at")


def run(name: str, *arguments: str) -> RunDir:
    recipe = str(demo_folder() / "recipe.yaml")
    taximeter("run", recipe, "--run-id", name, "--mock", "--set", "collect.limit=9", "--jobs", "2", *arguments)
    return RunDir(Path("output/runs") / name)


def rows(run: RunDir, folder: str) -> list[dict[str, Any]]:
    found = lines(run.path / folder / "artifact.jsonl")
    return [{key: value for key, value in row.items() if key not in NEW_EACH_TIME} for row in found]


def bill(report: RunInstrumentation) -> list[tuple[str | None, int, int, int, Decimal | None]]:
    totals = [(stage.id, stage.llm_totals) for stage in report.stages]
    return [(name, t.calls, t.prompt_tokens, t.completion_tokens, t.cost) for name, t in totals]


def test_only_one_stage_is_another_one() -> None:
    whole, shared = (yaml.safe_load((demo_folder() / name).read_text()) for name in ("recipe.yaml", "shards.yaml"))
    asked = next(stage for stage in shared["stages"] if stage["id"] == "summarise")
    assert asked.pop("shards") == 4
    assert shared["stages"] == whole["stages"]


@pytest.mark.slow
def test_shards_make_and_cost_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    whole, shared = run("whole"), run("shared", "--settings", str(demo_folder() / "shards.yaml"))
    folders = [path.parent.name for path in sorted(whole.path.glob("*/artifact.jsonl"))]
    assert len(folders) == 5
    for folder in folders:
        assert rows(shared, folder) == rows(whole, folder)
    reports = build(whole), build(shared)
    assert bill(reports[1]) == bill(reports[0])
    assert reports[1].totals.cost == reports[0].totals.cost
    stage = next(stage for stage in reports[1].stages if stage.id == "summarise")
    assert [shard.items_in for shard in stage.shards] == [3, 2, 2, 2]
    assert sum(shard.llm_totals.calls for shard in stage.shards) == stage.llm_totals.calls > 0
    assert json.loads(shared.state.read_text())["status"] == "done"
