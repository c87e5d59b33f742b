"""When the modules of a run are loaded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

WATCHED = """
import json, sys
from taximeter.run.executors.local import Local
from taximeter.run.driver import Driver
from taximeter.cli.main import main

go, submit, loaded = Driver.go, Local.submit, []

def watched(self, *arguments):
    go(self, *arguments)
    loaded.append(set(sys.modules))

def submitted(self, task):
    loaded.append(set(sys.modules))
    submit(self, task)

Driver.go, Local.submit = watched, submitted
try:
    main()
finally:
    ours = [sorted(name for name in names if name.startswith("taximeter.")) for names in (*loaded, set(sys.modules))]
    print(json.dumps([*ours, sorted(loaded[0])]), file=open("loaded.json", "w"))
"""


@pytest.mark.parametrize("enabled", [True, False])
def test_what_reports_need_is_loaded_while_the_first_stage_runs(tmp_path: Path, enabled: bool) -> None:
    recipe = {"name": "r", "instrumentation": {"enabled": enabled}, "stages": [{"id": "a", "run": ["sleep", "0.7"]}]}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    command = [sys.executable, "-c", WATCHED, "run", "recipe.json"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    began, ran, ended, everything = json.loads((tmp_path / "loaded.json").read_text())
    assert not {"taximeter.report.whole", "taximeter.report.terminal", "taximeter.pricing.price"} & set(began)
    assert not {"shutil", "statistics", "difflib", "html", "pydantic", "rich"} & set(everything)
    assert set(ended) == set(ran)
