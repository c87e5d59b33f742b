"""Files of lines as runs."""

import json
from pathlib import Path

import pytest

import taximeter
from taximeter.errors import SetupError
from taximeter.ingest.jsonl import Lines
from tests.cli.conftest import Cli, cli

__all__ = ["cli"]  # a fixture


def test_a_journal_of_a_recorder_becomes_a_run(tmp_path: Path, cli: Cli) -> None:
    taximeter.enable(sink=f"jsonl:{tmp_path}/events.jsonl")
    with taximeter.record_stage("ingest"):
        taximeter.log_llm_usage("gpt-5", 1000, 100)
    taximeter.disable()
    said = json.loads(cli("import", "jsonl", "events.jsonl", "--run-id", "x", "--json").out)
    assert said == {
        "schema_version": "imported_v1",
        "runs": [{"run_id": "x", "calls": 1, "cost": 0.00225, "cost_status": "priced"}],
    }
    report = json.loads(cli("show", "x", "--json").out)
    assert [(stage["id"], stage["llm_totals"]["calls"]) for stage in report["stages"]] == [("ingest", 1)]


def test_lines_of_a_sink_become_a_run(cli: Cli) -> None:
    line = {
        "schema_version": "instrumentation_call_v1",
        "model": "gpt-5",
        "prompt_tokens": 1000,
        "completion_tokens": 100,
    }
    lines = [json.dumps(line), json.dumps(line | {"stage_id": "ask"}), '{"half', "", "[]"]
    Path("calls.jsonl").write_text("\n".join(lines))
    said = cli("import", "jsonl", "calls.jsonl", "--run-id", "x")
    assert said.out == "x: 2 calls, ~$0.0045\n"  # nobody knows when they were
    assert said.err == "2 lines left out that could not be read.\n"
    report = json.loads(cli("show", "x", "--json").out)
    assert {stage["id"] for stage in report["stages"]} == {None, "ask"}


def test_what_is_nothing_of_ours_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": 1}\nhello\n')
    with pytest.raises(SetupError, match="no line of it is an event or a call") as caught:
        Lines(path).events()
    assert caught.value.problems[0].hint == "write one event or call of ours a line: docs/metering.md shows them"
    with pytest.raises(SetupError, match="there is no file to read"):
        Lines(tmp_path / "nowhere").events()
