"""Hooks get in by code or by environment, before or after an SDK is imported, and bring nothing along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from taximeter.ledger.sink import SinkCall, read_records
from taximeter.ledger.top import PricedCall
from taximeter.recorder.buckets import NOT_ASKED
from taximeter.report.tally import call_record
from tests.capture.server import Server

CALL = """
import openai
sdk = openai.OpenAI(api_key="k", base_url=URL)
sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "what?"}])
"""
MEMORY = "import taximeter\nrecorder = taximeter.enable(sink='memory:')\n"
COUNT = "\nprint(sum(event['schema_version'] == 'call_v1' for event in recorder.get_all_events()))"


def run(code: str, server: Server | None = None, **env: str) -> str:
    url = "" if server is None else f"URL = {server.url + '/v1'!r}\n"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TAXIMETER_")}
    done = subprocess.run([sys.executable, "-c", url + code], env=clean | env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_instrument_imports_no_sdk() -> None:
    loaded = run("import sys, taximeter\ntaximeter.instrument()\nprint(*sys.modules)").split()
    assert {"wrapt", "taximeter.capture.install"} <= set(loaded)
    assert not {"openai", "anthropic", "google.genai", "mistralai", "httpx", "httpx2"} & set(loaded)


@pytest.mark.parametrize("value", ["", "0", "off", "proxy"])
def test_no_hook_is_loaded_where_nobody_asks_for_it(value: str) -> None:
    assert "wrapt" not in run(f"{MEMORY}import sys\nprint(*sys.modules)", TAXIMETER_CAPTURE=value).split()


@pytest.mark.parametrize("value", ["1", "auto", "TRUE"])
def test_the_environment_asks_for_hooks(value: str, tmp_path: Path) -> None:
    code = "import sys, taximeter\ntaximeter.get_recorder()\nprint(*sys.modules)"
    loaded = run(code, TAXIMETER_CAPTURE=value, TAXIMETER_ENABLED="1", TAXIMETER_OUT=str(tmp_path / "e.jsonl"))
    assert "taximeter.capture.install" in loaded.split()


@pytest.mark.slow
def test_an_sdk_that_is_imported_already_is_hooked_once(server: Server) -> None:
    twice = "taximeter.instrument()\ntaximeter.instrument()\n"
    assert run(f"import openai\n{MEMORY}{twice}{CALL}{COUNT}", server) == "1"


@pytest.mark.slow
def test_an_sdk_that_is_imported_later_is_hooked(server: Server) -> None:
    assert run(f"{MEMORY}taximeter.instrument()\n{CALL}{COUNT}", server) == "1"


@pytest.mark.slow
def test_without_a_recorder_a_call_is_a_line_of_the_sink(server: Server, tmp_path: Path) -> None:
    sink = tmp_path / "calls.jsonl"
    run(f"import taximeter\ntaximeter.instrument()\n{CALL}", server, INSTRUMENT_SINK=str(sink), PIPELINE_STAGE_ID="s")
    (line,) = map(json.loads, sink.read_text().splitlines())
    told = {name: line[name] for name in ("model", "prompt_tokens", "completion_tokens", "stage_id", "status", "kind")}
    assert told == {"model": "m", "prompt_tokens": 25, "completion_tokens": 7, "stage_id": "s", "status": "done",
                    "kind": "llm"}  # fmt: skip
    assert (line["cache_read_input_tokens"], line["reasoning_output_tokens"]) == (5, 2)
    assert line["request_ms"] > 0


@pytest.mark.slow
def test_where_nobody_meters_nothing_is_recorded_and_all_works(server: Server) -> None:
    code = "import taximeter\ntaximeter.instrument()\n"
    assert run(f"{code}{CALL}print(taximeter.is_enabled())", server) == "False"
    assert len(server.seen) == 1


@pytest.mark.slow
def test_what_is_unfinished_when_a_process_ends_is_cut(server: Server, tmp_path: Path) -> None:
    code = """
import openai, taximeter
taximeter.instrument()
taximeter.enable(sink=SINK)
sdk = openai.OpenAI(api_key="k", base_url=URL)
stream = sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "what?"}], stream=True)
next(iter(stream))
sdk.responses.create(model="later", input="what?", background=True)
"""
    run(f"SINK = 'jsonl:{tmp_path}/events.jsonl'\n{code}", server)
    found = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    cut = [(event["model"], event["status"]) for event in found if event["schema_version"] == "call_v1"]
    assert sorted(cut) == [("later", "cut"), ("m", "cut")]


@pytest.mark.slow
def test_what_a_sink_is_told_of_a_stream_is_in_the_report(server: Server, tmp_path: Path) -> None:
    code = """
import openai, taximeter
taximeter.instrument()
sdk = openai.OpenAI(api_key="k", base_url=URL)
list(sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "what?"}], stream=True))
"""
    sink = tmp_path / "calls.jsonl"
    run(code, server, INSTRUMENT_SINK=str(sink))
    (record,) = read_records(sink.read_bytes().strip())
    assert isinstance(record, SinkCall)
    event = record.to_event(("calls", 0), "r", "s", 1)
    told = call_record(PricedCall(event, NOT_ASKED))
    assert (told.tries, told.stream, told.status, told.completion_tokens) == (1, True, "done", 7)
    assert told.ttft_ms is not None
    assert told.request_ms is not None
    assert told.tokens_per_second == pytest.approx(7 / told.request_ms * 1000, abs=0.01)
