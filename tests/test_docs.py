"""Code blocks in the documentation are run: what they show is true.

A block behind `<!-- file: NAME -->` is written to that file. In a `console` block each line that begins with `$ ` is
run (exit code 0, or that of `<!-- exit: N -->`), and the lines below it must come out, in that order; `…` stands for
anything. Blocks of one page share a directory. `text` blocks are pictures. A block that is not run says why.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from taximeter import settings

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(
    r"(?:<!-- (?P<word>file|exit|not run): ?(?P<value>.*?) -->\n)?^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.M | re.S
)


@pytest.mark.parametrize(
    "page",
    [README, *(pytest.param(page, marks=pytest.mark.slow) for page in PAGES)],
    ids=lambda page: page.name,
)
def test_a_page_tells_the_truth(page: Path, tmp_path: Path) -> None:
    for block in BLOCK.finditer(page.read_text()):
        kind, body = block["kind"], block["body"]
        if block["word"] == "file":
            path = tmp_path / block["value"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body)
        elif block["word"] == "not run":
            assert block["value"], "a block that is not run says why"
        elif kind == "console":
            run(body, int(block["value"]) if block["word"] == "exit" else 0, tmp_path)
        else:
            assert kind in {"text", "mermaid"}, f"a block of {kind} is neither a file nor run: {body}"


def test_every_variable_is_told_of() -> None:
    told = "".join(page.read_text() for page in PAGES)
    assert [variable.name for variable in settings.TABLE if variable.name not in told] == []


def run(body: str, expected_code: int, folder: Path) -> None:
    steps = re.split(r"^\$ ", body, flags=re.M)
    assert steps[0] == "", f"text before the first command: {steps[0]}"
    for step in steps[1:]:
        command, _, shown = step.partition("\n")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = os.environ | {"PATH": path, "COLUMNS": "100", "TZ": "UTC"}
        done = subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        output = done.stdout + done.stderr
        assert done.returncode == expected_code, f"$ {command}\n{output}"
        rest = output
        for line in filter(None, map(str.strip, shown.splitlines())):
            pattern = r"\s+".join(re.escape(word).replace("…", ".*?") for word in line.split())
            found = re.search(pattern, rest)
            assert found, f"$ {command}\nno line like: {line}\nin:\n{output}"
            rest = rest[found.end() :]
