"""Which files a stage's command names."""

import json
from pathlib import Path
from typing import Any

import pytest

from taximeter.run.sources import sources
from tests.recipes import stage, write


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a.py", "b c.py", "conf.yaml", "pkg/__init__.py", "pkg/inner.py", "alone.py"):
        write(name)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["python", "a.py", "--config=conf.yaml", "b c.py"], ["a.py", "conf.yaml", "b c.py"]),
        (["python", "{out}", "pkg", "nowhere.py", "x" * 5000], []),
        ("python a.py<conf.yaml|cat", ["a.py", "conf.yaml"]),
        ("python 'b c.py' && echo \"a.py conf.yaml\"", ["b c.py"]),
        ("cat a.py > conf.yaml; cat a.py >>conf.yaml 2> alone.py", ["a.py"]),
        ('python "${X:-\'}" a.py', ["a.py"]),
        ("python a.py # conf.yaml's", ["a.py"]),
        (["python", "-m", "pkg.inner", "x"], ["pkg"]),
        (["python", "-m", "alone"], ["alone.py"]),
        (["python", "-m", "no.such.package"], []),
    ],
)
def test_the_files_that_a_command_names_are_its_sources(here: Path, command: Any, expected: list[str]) -> None:
    planned = stage(json.dumps({"stages": [{"stage": "s", "run": command}]}))
    found = dict.fromkeys(path.relative_to(here).as_posix() for path in sources(planned, None, here))
    assert list(found) == expected
