"""Runs of modules whose artifacts must fit a schema, as a person sees them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from taximeter.report.build import build
from taximeter.rundir import RunDir
from tests.runs import read_json
from tests.stages import wait_until

TAXIMETER = [sys.executable, "-m", "taximeter", "run", "r.yaml", "--run-id", "r"]
RECIPE = """
stages:
  - {id: a, module: m, params: {rows: "%s"}}
  - {id: b, run: [cp, '{inputs.x}', '{out}'], inputs: {x: a}}
"""
MODULE = """module_id: m
command: [python, write.py, '{out}', '{params.rows}']
output_schema: %s
"""
ROWS = """
import time, sys
from pydantic import BaseModel, field_validator

class Row(BaseModel):
    schema_version: str = "row_v1"
    id: str

    @field_validator("id")
    @classmethod
    def slow(cls, value: str) -> str:
        if value == "sleep":
            open("asleep", "w").close()
            time.sleep(60)
        if value == "raise":
            raise KeyError(value)
        return value

class Other: pass
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def arrange(rows: str, schema: str) -> None:
    Path("modules/m").mkdir(parents=True, exist_ok=True)
    Path("modules/m/module.yaml").write_text(MODULE % schema)
    Path("write.py").write_text("import sys\nopen(sys.argv[1], 'w').write(sys.argv[2])\n")
    Path("modules/rows.json").write_text('{"required": ["id"]}')
    Path("modules/m/mypackage.py").write_text(ROWS)
    Path("r.yaml").write_text(RECIPE % rows.replace('"', '\\"'))


def taximeter(*options: str, code: int = 0) -> str:
    done = subprocess.run([*TAXIMETER, *options], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr


def artifact(folder: str) -> list[Any]:
    return [json.loads(line) for line in Path(f"output/runs/r/{folder}/artifact.jsonl").read_text().splitlines()]


def test_rows_are_stamped_before_another_stage_reads_them() -> None:
    arrange('{"id": 1}', "rows.json")
    taximeter("--instrument")
    (row,) = artifact("02_b")
    assert row == {"id": 1, "schema_version": "rows", "module_id": "m", "run_id": "r", "created_at": row["created_at"]}
    assert row["created_at"].endswith("Z")
    run = RunDir(Path("output/runs/r"))
    assert build(run).stages[0].schema_version_output == "rows"
    assert read_json(run.state)["stages"]["a"]["schema_version"] == "rows"


def test_a_bad_row_fails_the_stage_with_its_place_and_reason() -> None:
    arrange('{"id": 1}\\n{"secret": 2}', "rows.json")
    told = taximeter(code=1)
    error = '1 of 2 rows do not fit rows: 01_a/artifact.jsonl:2: the row: "id" is a required property'
    assert error in told
    stages = build(RunDir(Path("output/runs/r"))).stages
    assert (stages[0].status, stages[0].attempts[0].error, stages[1].status) == ("failed", error, "skipped")
    assert artifact("01_a") == [{"id": 1}, {"secret": 2}]


def test_a_single_row_that_does_not_fit_is_told_as_one() -> None:
    arrange('{"secret": 2}', "rows.json")
    assert "1 of 1 row does not fit rows: 01_a/artifact.jsonl:1: " in taximeter(code=1)


def test_without_validation_artifacts_stay_as_they_were_written() -> None:
    arrange('{"id": 1}\\n{"secret": 2}', "mypackage:Other")
    taximeter("--no-validate")
    assert artifact("02_b") == [{"id": 1}, {"secret": 2}]


@pytest.mark.slow
def test_rows_are_checked_by_a_class() -> None:
    arrange('{"id": "x"}', "mypackage:Row")
    taximeter()
    assert artifact("02_b")[0]["schema_version"] == "row_v1"


@pytest.mark.slow
def test_a_check_that_breaks_fails_the_stage_and_its_log_says_why() -> None:
    arrange('{"id": "raise"}', "mypackage:Row")
    assert "the check of its artifact broke (exit code 1); its log says why" in taximeter(code=1)
    assert "KeyError: 'raise'" in Path("output/runs/r/01_a/log.1.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("mypackage:Gone", "AttributeError: module 'mypackage' has no attribute 'Gone'"),
        ("mypackage:Other", "TypeError: Other is no class of pydantic"),
        ("nowhere:Row", "ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_a_class_that_cannot_be_used_is_told_before_anything_starts(schema: str, reason: str) -> None:
    arrange("{}", schema)
    assert taximeter(code=2).splitlines() == [
        f"modules/m/module.yaml:3:1: output_schema: the class `{schema}` cannot be used: {reason}",
        "    it is looked up beside the module's file, in the registry, beside that, and in the working directory",
    ]
    assert not Path("output").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_check_ends_with_the_run(number: signal.Signals) -> None:
    arrange('{"id": "sleep"}', "mypackage:Row")
    driver = subprocess.Popen(TAXIMETER, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert wait_until(Path("asleep").exists)
    os.kill(driver.pid, number)
    assert driver.wait(30) == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert wait_until(lambda: b"taximeter.run.rowcheck" not in b"".join(commands()))
    if number == signal.SIGINT:
        assert build(RunDir(Path("output/runs/r"))).stages[0].status == "cancelled"
        assert not list(Path("output").rglob("*.tmp"))


def commands() -> list[bytes]:
    """Command lines of the processes that live in this folder."""
    found, here = [], str(Path.cwd())
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdecimal() and str((process / "cwd").readlink()) == here:
                found.append((process / "cmdline").read_bytes())
        except OSError:
            pass  # it has gone meanwhile
    return found
