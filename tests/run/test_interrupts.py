"""A signal at any time: while the recipe is planned, while stages run, while the last report is written."""

import json
import os
import signal
import subprocess
import uuid
from pathlib import Path

import pytest

from taximeter.report.build import build
from taximeter.rundir import RunDir
from tests.run.pipelines import TAXIMETER, here, lines, recipe
from tests.stages import MARK, marked, wait_until

__all__ = ["here"]  # a fixture
pytestmark = pytest.mark.usefixtures("here")


def start(**environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TAXIMETER, "run", "recipe.yaml", "--run-id", "r"],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_while_the_recipe_is_planned_nothing_is_left_behind(number: signal.Signals, code: int) -> None:
    Path("modules").mkdir()
    Path("modules/slow.py").write_text("import pathlib, time\npathlib.Path('planning').touch()\ntime.sleep(60)\n")
    module = {"module_id": "m", "stage": "m", "command": "true", "output_schema": "slow:Row"}
    Path("modules/module.yaml").write_text(json.dumps(module))
    recipe([{"id": "a", "module": "m"}])
    mark = uuid.uuid4().hex
    with start(**{MARK: mark}) as driver:
        assert wait_until(Path("planning").exists)
        driver.send_signal(number)
        _, told = driver.communicate(timeout=30)
    assert (driver.returncode, told) == (code, f"taximeter: ended by {number.name}\n")
    assert not Path("output").exists()
    assert wait_until(lambda: not marked(mark))


def test_while_the_last_report_is_written_the_run_is_over_and_the_report_is_finished() -> None:
    call = '{"schema_version": "instrumentation_call_v1", "model": "big", "prompt_tokens": 1000}\n'
    Path("calls.jsonl").write_text(call * 3_000)
    everything = {"enabled": True, "price_table": "prices.yaml", "include_calls": True}
    recipe([{"id": "a", "run": "cat calls.jsonl > $INSTRUMENT_SINK"}], instrumentation=everything)
    run = RunDir(Path("output/runs/r"))
    with start() as driver:
        assert wait_until(lambda: run.progress.exists() and b'"done"' in run.progress.read_bytes())
        driver.send_signal(signal.SIGINT)
        driver.communicate(timeout=60)
    assert driver.returncode == 0
    assert len(lines(run.calls)) == 3_000
    assert [build(run).status, lines(run.progress)[-1]["status"]] == ["done", "done"]
    assert lines(Path("output/run_manifest.jsonl"))[-1]["totals"]["calls"] == 3_000
