"""What is said where the standard output knows few signs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NAME = "ünï☃😀"


def said(folder: Path, encoding: str, *arguments: str) -> bytes:
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "taximeter", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True).stdout


def recipe(folder: Path) -> None:
    block = {"stages": [{"id": NAME, "run": "true"}], "instrumentation": {"enabled": True}}
    (folder / "r.yaml").write_text(json.dumps(block, ensure_ascii=False))


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("ascii", r"\u00fcn\u00ef\u2603\ud83d\ude00"),
        ("latin-1", r"ünï\u2603\ud83d\ude00"),
        ("utf-8", NAME),
    ],
)
def test_a_report_is_told_in_the_signs_that_there_are(encoding: str, name: str, tmp_path: Path) -> None:
    recipe(tmp_path)
    told = said(tmp_path, encoding, "run", "r.yaml", "--run-id", "r").decode(encoding)
    assert name in told
    assert ("─" in told, "----" in told) == (encoding == "utf-8", encoding != "utf-8")


def test_json_is_the_same_in_all_encodings(tmp_path: Path) -> None:
    recipe(tmp_path)
    said(tmp_path, "utf-8", "run", "r.yaml", "--run-id", "r")
    plain, rich = (json.loads(said(tmp_path, encoding, "show", "r", "--json")) for encoding in ("ascii", "utf-8"))
    assert plain == rich
    assert plain["stages"][0]["id"] == NAME
