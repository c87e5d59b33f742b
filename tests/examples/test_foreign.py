"""A pipeline as a user brings it: scripts in three languages that know nothing of taximeter."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.runs import read_json

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("node"), reason="Node is not here: apt-get install nodejs"),
]


def run(folder: Path, *flags: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "taximeter", "run", "examples/foreign/recipe.yaml", "--run-id", "r", *flags]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = read_json(folder / "output/runs/r/instrumentation.json")
    return report


def test_scripts_in_three_languages_are_metered_and_only_run_again_when_they_change(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/foreign", tmp_path / "examples/foreign")
    report = run(tmp_path)
    assert [stage["status"] for stage in report["stages"]] == ["done"] * 3
    for stage in report["stages"]:
        assert stage["cpu_user_seconds"] + stage["cpu_system_seconds"] > 0
        assert stage["max_rss_bytes"] > 0
        assert stage["methods"]["cpu_user_seconds"] == stage["methods"]["max_rss_bytes"] == "exact"
    assert (report["stages"][1]["items_out"], report["totals"]["calls"]) == (2, 0)
    page = (tmp_path / "output/runs/r/03_page/page.html").read_text()
    assert "<tr><td>/answer</td><td>3</td><td>1</td><td>1904</td></tr>" in page
    assert "<h1>Requests of a day</h1>" in page

    script = tmp_path / "examples/foreign/page.js"
    script.write_text(script.read_text().replace("<table>", "<table border>"))
    again = run(tmp_path, "--skip-done")
    assert [stage["status"] for stage in again["stages"]] == ["reused", "reused", "done"]
    assert "<table border>" in (tmp_path / "output/runs/r/03_page/page.html").read_text()
