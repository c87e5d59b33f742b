"""Folders whose names are bytes that are no text: what can be done in them is done, and all else refused in words."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.recipes import module, write

PLAIN = "stages: [{id: a, run: 'echo {{}} > {out}'}]\ninstrumentation: {enabled: true}\n"
WITH_ROWS = "stages: [{id: a, module: m, out: a.jsonl}]\n"


@pytest.fixture
def odd(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    folder = tmp_path / os.fsdecode(b"odd \xff")
    folder.mkdir()
    monkeypatch.chdir(folder)
    module("m", "command: [sh, -c, 'echo {{}} > $0', '{out}']\noutput_schema: m.json\n")
    write("modules/m/m.json", '{"type": "object"}')
    return folder


def test_plain_commands_are_run_and_run_again(odd: Path, cli: Cli) -> None:
    write("r.yaml", PLAIN)
    assert "a      done" in cli("run", "r.yaml", "--run-id", "r").out
    assert "a      reused" in cli("run", "r.yaml", "--run-id", "r", "--skip-done").out
    assert json.loads(cli("show", "r", "--json").out)["status"] == "done"


def test_rows_cannot_be_checked_there(odd: Path, cli: Cli) -> None:
    write("r.yaml", WITH_ROWS)
    said = cli("run", "r.yaml", "--run-id", "r", code=2).err
    assert "the whole path of this schema is not UTF-8\n    rename the folder whose name is not" in said
    assert not Path("output").exists()


def test_rows_cannot_be_checked_in_a_folder_of_runs_there(odd: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    write("r.yaml", WITH_ROWS)
    (odd / "modules").rename(odd.parent / "modules")
    write(str(odd.parent / "r.yaml"), WITH_ROWS)
    monkeypatch.chdir(odd.parent)
    run = ("run", "r.yaml", "--run-id", "r", "--output-dir", str(odd / "runs"))
    said = cli(*run, code=2).err
    assert "the whole path of the folder of runs is not UTF-8, so no rows can be checked\n" in said
    assert "name another one with --output-dir, or give --no-validate" in said


@pytest.mark.slow
def test_a_command_is_run_there_behind_a_proxy(odd: Path, cli: Cli) -> None:
    assert "true   done" in cli("exec", "--proxy", "--run-id", "r", "--", "true").err
