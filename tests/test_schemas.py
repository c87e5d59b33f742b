"""The published JSON Schemas."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import msgspec
import pytest

from taximeter.report import json as json_report
from taximeter.report.build import build
from tests.runs import Writing, call, plan, stage

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"


def test_the_files_are_what_the_code_says() -> None:
    # In a process of its own: it makes the models with their descriptions.
    code = "import json, runpy, sys; made = runpy.run_path(sys.argv[1])['schemas'](); "
    code += "print(json.dumps({name: content.decode() for name, content in made.items()}))"
    command = [sys.executable, "-c", code, FOLDER / "make.py"]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    made = {name: text.encode() for name, text in json.loads(printed).items()}
    assert {p.name for p in FOLDER.glob("*.json")} == made.keys()
    for name, content in made.items():
        assert (FOLDER / name).read_bytes() == content, f"{name} is out of date: run `just schemas`"


def schema(name: str) -> dict[str, object]:
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_each_is_a_schema(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(path.stem))


def test_a_report_fits_its_schema(tmp_path: Path) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a")]))
    writing.start("a")
    writing.sink("a", call("small", prompt_tokens=1), call("who", prompt_tokens=3))
    writing.end("a")
    writing.close()
    report = msgspec.json.decode(json_report.render(build(writing.run)))
    jsonschema.validate(report, schema("instrumentation_run_v1"))
    jsonschema.validate(report["stages"][0], schema("instrumentation_stage_v1"))
