"""The smallest example: it needs no extra, and its bill can be checked by hand."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_words_example_runs_and_its_bill_adds_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "taximeter", "run", "examples/words/recipe.yaml", "--output-dir", tmp_path, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout, parse_float=Decimal)
    assert [stage["status"] for stage in report["stages"]] == ["done"] * 4
    totals = report["totals"]
    assert totals["calls"] == 12
    bill = totals["prompt_tokens"] * Decimal("0.003") + totals["completion_tokens"] * Decimal("0.015")
    assert totals["cost"] == bill / 1000 > 0
    assert totals["cost_status"] == "priced"
    assert list(totals["per_model"]) == ["pretend-1"]
