"""`taximeter report`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from taximeter.cli.report import command
from taximeter.rundir import OutputDir, RunDir
from tests.runs import Writing, call, plan, stage


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    for run_id, tokens in (("old", 1000), ("new", 1500)):
        writing = Writing(tmp_path, plan([stage(1, "a")]), run_id)
        writing.start("a")
        writing.sink("a", call(prompt_tokens=tokens, completion_tokens=0))
        if run_id == "old":
            writing.end("a")
            writing.close()
    return OutputDir(tmp_path).run("new")


def report(*arguments: str, run: RunDir) -> Result:
    return CliRunner().invoke(command, [*arguments, "--output-dir", str(run.output)], catch_exceptions=False)


def test_the_page_of_a_run_that_was_killed_is_made_anew(run: RunDir) -> None:
    assert report("new", run=run).stdout == f"{run.report_html}\n"
    page = run.report_html.read_text()
    assert page.startswith("<!DOCTYPE html>")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert (data["run_id"], data["status"], data["totals"]["calls"]) == ("new", "lost", 1)


def test_other_formats_are_printed(run: RunDir) -> None:
    assert report("new", "--format", "md", run=run).stdout.startswith("# Run new\n")
    assert json.loads(report("new", "--json", run=run).stdout)["run_id"] == "new"
    assert not run.report_html.exists()


def test_a_baseline_is_a_run_like_any_other(run: RunDir) -> None:
    assert json.loads(report("new", "--json", "--baseline", "old", run=run).stdout)["baseline"]["run_id"] == "old"
    assert "+50.0 % |" in report("new", "--format", "md", "--baseline", "old", run=run).stdout


def test_it_can_be_written_elsewhere(run: RunDir, tmp_path: Path) -> None:
    (run.output / "runs" / "old" / "01_stage" / "artifact.jsonl").write_text("{}\n")
    report("old", "-o", str(tmp_path / "page.html"), run=run)
    page = (tmp_path / "page.html").read_text()
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert (data["base"], data["files"]["a"]["files"][0]["path"]) == ("runs/old", "artifact.jsonl")
