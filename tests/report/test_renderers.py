"""What people see of a report, as literals. TAXIMETER_UPDATE_SNAPSHOTS=1 writes them anew, for review."""

import os
from pathlib import Path

import pytest

from taximeter.recipe.plan import Instrumentation
from taximeter.report import markdown, terminal
from taximeter.report.build import build
from taximeter.report.records import RunInstrumentation
from tests.runs import Writing, call, plan, stage

SNAPSHOTS = Path(__file__).parent / "snapshots"
HOSTILE = "summarise [red]x[/red] <b>|\x1b[31m\u202e`*_#\n"


def a_run_with_everything(folder: Path) -> RunInstrumentation:
    stages = [
        stage(1, "collect"),
        stage(2, HOSTILE, needs=("collect",), mocked=True),
        stage(3, "index"),
        stage(4, "last"),
    ]
    writing = Writing(folder, plan(stages, tags={"team": "x|y"}), run_id="test-1")
    writing.start("collect")
    writing.end("collect", seconds=0.5)
    writing.start(HOSTILE)
    writing.sink(
        HOSTILE,
        call(prompt_tokens=123_456, completion_tokens=2_000),
        call("small", prompt_tokens=10, kind="embedding"),
        call("who\u202e", prompt_tokens=10),
        call("local", prompt_tokens=5, completion_tokens=5, cached=True),
        call(),
        {"schema_version": "instrumentation_rejected_v1", "reason": "bad [link](javascript:x)"},
        b'{"torn\n',
    )
    writing.end(HOSTILE, seconds=65, io_read_bytes=None, methods={"wall_seconds": "exact"})
    writing.start("index")
    writing.end("index", "failed", exit_code=3)
    writing.close("failed", "stage index: exit code 3")
    return build(writing.run)


def a_run_that_is_not_metered(folder: Path) -> RunInstrumentation:
    writing = Writing(folder, plan([stage(1, "a")], instrumentation=Instrumentation()), run_id="test-2")
    writing.start("a")
    writing.end("a")
    writing.close()
    return build(writing.run)


def check(name: str, text: str) -> None:
    path = SNAPSHOTS / name
    if os.environ.get("TAXIMETER_UPDATE_SNAPSHOTS"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_terminal(tmp_path: Path, width: int) -> None:
    text = terminal.render(a_run_with_everything(tmp_path), width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    check(f"report_{width}.txt", text)


def test_markdown(tmp_path: Path) -> None:
    text = markdown.render(a_run_with_everything(tmp_path))
    assert "\x1b" not in text
    check("report.md", text)


def test_not_metered(tmp_path: Path) -> None:
    report = a_run_that_is_not_metered(tmp_path)
    check("not_metered.txt", terminal.render(report, 80))
    check("not_metered.md", markdown.render(report))
