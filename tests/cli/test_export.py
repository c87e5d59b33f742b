"""`taximeter export`."""

import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.cli.conftest import Cli
from tests.collectors import collector
from tests.runs import Writing, call, plan, stage


@pytest.fixture
def run(tmp_path: Path) -> str:
    writing = Writing(tmp_path / "output", plan([stage(1, "a")]))
    writing.start("a")
    writing.sink("a", call(prompt_tokens=1000, completion_tokens=100), call("who-knows", prompt_tokens=1))
    writing.end("a")
    writing.close()
    return "r"


def test_tables_go_to_standard_output_or_into_a_file(run: str, cli: Cli) -> None:
    assert cli("export", run, "--to", "csv").out.startswith("started_at,run_id,")
    assert json.loads(cli("export", run, "--to", "chrome-trace").out)["otherData"]["run_id"] == "r"
    said = cli("export", run, "--to", "focus", "-o", "costs.csv")
    assert said.out == "costs.csv\n"
    assert said.err == "1 call without a price left out: nobody knows their charge.\n"
    assert Path("costs.csv").read_text().startswith("BilledCost,")


def test_otlp_is_sent_or_written(run: str, cli: Cli) -> None:
    said = cli("export", run, "--to", "otlp", "-o", "spans.pb")
    assert said.err == "4 spans written\n"
    assert len(ExportTraceServiceRequest.FromString(Path("spans.pb").read_bytes()).resource_spans) == 1
    with collector(lambda request: request.answer(200, b"")) as receiver:
        assert cli("export", run, "--to", "otlp", "--endpoint", f"{receiver.url}/v1/traces").err == "4 spans sent\n"
        (request,) = receiver.requests
    assert len(ExportTraceServiceRequest.FromString(request.body).resource_spans) == 1


def test_an_unknown_run_is_told(cli: Cli) -> None:
    assert "there is no run nobody" in cli("export", "nobody", "--to", "csv", code=2).err


def test_parquet_has_the_calls(run: str, cli: Cli) -> None:
    assert cli("export", run, "--to", "parquet", "-o", "calls.parquet").out == "calls.parquet\n"
    rows = pq.read_table("calls.parquet").to_pylist()
    assert [(row["model"], row["cost"]) for row in rows] == [("big", Decimal("0.0045")), ("who-knows", None)]
    assert "Parquet is no text: name a file with -o" in cli("export", run, "--to", "parquet", code=2).err


def test_what_was_exported_is_told_as_json(run: str, cli: Cli) -> None:
    found = json.loads(cli("export", run, "--to", "focus", "-o", "costs.csv", "--json").out)
    assert found == {
        "schema_version": "exported_v1",
        "run_id": "r",
        "format": "focus",
        "path": "costs.csv",
        "spans": None,
        "left_out": 1,
    }
    assert json.loads(cli("export", run, "--to", "otlp", "-o", "x.pb", "--json").out)["spans"] == 4
    told = cli("export", run, "--to", "csv", "--json", code=2).err
    assert "what is exported and what --json tells would be mixed: name a file with -o" in told
