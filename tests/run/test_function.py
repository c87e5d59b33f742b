"""The runner of functions, as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def call(path: Path, function: str, **arguments: object) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "taximeter.run.function", str(path), function, json.dumps(arguments)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def test_a_function_gets_inputs_out_and_params(tmp_path: Path) -> None:
    file = tmp_path / "work.py"
    file.write_text(
        "import json\ndef go(inputs, out, params):\n    open(out, 'w').write(json.dumps([inputs, params]))\n"
    )
    done = call(file, "go", inputs={"a": "x"}, out=str(tmp_path / "o"), params={"p": [1, None]})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads((tmp_path / "o").read_text()) == [{"a": "x"}, {"p": [1, None]}]


def test_the_files_folder_comes_first_and_pickling_finds_the_function(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("VALUE = 'found'\n")
    (tmp_path / "work.py").write_text(
        "import pickle, sys, helper\n"
        "def go(inputs, out, params):\n"
        "    assert pickle.loads(pickle.dumps(go)) is go\n"
        "    print(helper.VALUE, __name__, sys.path[0])\n"
    )
    done = call(tmp_path / "work.py", "go", inputs={}, out="", params={})
    assert done.stdout.split() == ["found", "work", str(tmp_path)]


def test_what_is_missing_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    file = tmp_path / "work.py"
    file.write_text("x = 3\n")
    for path, function, message in (
        (file, "go", f"taximeter: there is no function go in {file}\n"),
        (file, "x", f"taximeter: there is no function x in {file}\n"),
        (tmp_path / "gone.py", "go", f"taximeter: there is no Python file {tmp_path / 'gone.py'}\n"),
    ):
        done = call(path, function, inputs={}, out="", params={})
        assert (done.returncode, done.stderr) == (2, message)


def test_an_error_in_the_function_is_its_own(tmp_path: Path) -> None:
    file = tmp_path / "work.py"
    file.write_text("def go(inputs, out, params):\n    raise ValueError('bad data')\n")
    done = call(file, "go", inputs={}, out="", params={})
    assert done.returncode == 1
    assert done.stderr.endswith("ValueError: bad data\n")
