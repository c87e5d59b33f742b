"""The process: what it says, where it writes, whom it counts calls for, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from taximeter.events import SpanEvent
from taximeter.report.build import build
from taximeter.rundir import OutputDir, RunDir
from tests.proxy.conftest import Running, Start, calls_in, events_in, started, totals
from tests.proxy.upstream import Provider

BODY = {"model": "gpt-5", "messages": []}
CHAT = "/openai/v1/chat/completions"


def ask(proxy: Running, prefix: str = "", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{proxy.address}{prefix}{CHAT}", json=BODY, headers=named)


def test_it_tells_where_it_is_and_what_a_program_needs(start: Start, upstream: Provider) -> None:
    proxy = start("--run-id", "one")
    assert proxy.told == {
        "schema_version": "proxy_v1",
        "address": proxy.address,
        "run_id": "one",
        "run_dir": str(proxy.run.path),
        "environment": {
            "TAXIMETER_PROXY": proxy.address,
            "OPENAI_BASE_URL": f"{proxy.address}/openai",
            "ANTHROPIC_BASE_URL": f"{proxy.address}/anthropic",
            "GOOGLE_GEMINI_BASE_URL": f"{proxy.address}/gemini",
        },
        "upstreams": proxy.told["upstreams"],
    }
    assert proxy.told["upstreams"]["openai"] == upstream.url
    assert proxy.told["upstreams"]["mistral"] == "https://api.mistral.ai"


def test_an_upstream_of_the_environment_is_kept(tmp_path: Path, upstream: Provider) -> None:
    """Its address is what the SDK would have been told, with its version."""
    environment = {"OPENAI_BASE_URL": f"{upstream.url}/gateway/v1/", "ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}
    arguments = ("--output-dir", str(tmp_path), f"--upstream=anthropic={upstream.url}")
    with started(*arguments, environment=environment) as proxy:
        base = proxy.told["environment"]["OPENAI_BASE_URL"]
        assert base == f"{proxy.address}/openai/v1"
        httpx.post(f"{base}/chat/completions", json=BODY)
        httpx.post(f"{proxy.address}/openai/chat/completions", json=BODY)
        httpx.post(f"{proxy.address}/anthropic/v1/messages", json=BODY)
        targets = [request.target for request in upstream.requests]
        assert targets == [*["/gateway/v1/chat/completions"] * 2, "/v1/messages"]


def test_a_run_of_its_own_has_all_that_a_run_has(start: Start) -> None:
    proxy = start("--run-id", "own")
    ask(proxy)
    lines = (proxy.run.output / "run_manifest.jsonl").read_text().splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["running"]
    assert build(proxy.run).status == "running"
    assert proxy.end() == 0
    lines = (proxy.run.output / "run_manifest.jsonl").read_text().splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["running", "done"]
    written = json.loads(proxy.run.report_json.read_text())
    assert (written["run_id"], written["status"], written["totals"]["calls"]) == ("own", "done", 1)
    assert written["totals"]["cost"] > 0
    assert proxy.run.report_html.exists()
    assert proxy.run.report_md.exists()


def test_a_price_table_becomes_the_prices_of_its_run(start: Start, tmp_path: Path) -> None:
    sheet = tmp_path / "prices.yaml"
    sheet.write_text("models:\n  gpt-5:\n    per: 1\n    input: 1\n    cache_read: 1\n    output: 0\n")
    proxy = start("--price-table", str(sheet))
    ask(proxy)
    assert proxy.end() == 0
    assert totals(proxy.run).cost == 11


def test_a_stage_is_told_by_path_or_header_and_the_header_wins(proxy: Running, upstream: Provider) -> None:
    ask(proxy, "/s/embed%20all")
    ask(proxy, "/s/sum/n/0/a/2")
    ask(proxy, "/s/sum", x_taximeter_stage="other", x_taximeter_attempt="3", x_taximeter_shard="7")
    ask(proxy, "", x_taximeter_session="chat-1", x_taximeter_tags="user=u1, team=%C3%BC")
    ask(proxy, f"/r/{proxy.told['run_id']}/s/own")
    calls = proxy.calls()
    assert [(call.stage_id, call.attempt) for call in calls] == [
        ("embed all", None),
        ("sum", 2),
        ("other", 3),
        (None, None),
        ("own", None),
    ]
    assert [call.shard for call in calls] == [None, 0, 7, None, None]
    assert calls[3].session_id == "chat-1"
    assert calls[3].tags == {"user": "u1", "team": "ü"}
    assert {call.run_id for call in calls} == {proxy.run.run_id}
    assert not [n for r in upstream.requests for n, _ in r.headers if n.startswith("x-taximeter")]
    assert [stage.id for stage in build(proxy.run).stages] == ["embed all", "sum", "other", None, "own"]


@pytest.mark.slow
def test_a_call_for_another_run_goes_to_that_run(start: Start, tmp_path: Path) -> None:
    output = OutputDir(tmp_path / "output")
    runs = [output.run(f"other-{number}") for number in range(40)]
    for run in runs:
        run.create()
    proxy = start()
    for run in (*runs, runs[0]):
        assert ask(proxy, f"/r/{run.run_id}/s/x").status_code == 200
    assert ask(proxy, "", x_taximeter_run="other-1").status_code == 200
    assert ask(proxy, "/r/nobody").status_code == 404
    shutil.rmtree(runs[39].path)
    assert proxy.calls() == []
    assert [len(calls_in(run)) for run in runs[:39]] == [2, 2, *[1] * 37]
    assert {call.run_id for call in calls_in(runs[5])} == {"other-5"}
    assert totals(runs[0]).calls == 2


def test_it_joins_a_run_that_another_command_has_begun(start: Start, tmp_path: Path) -> None:
    run = RunDir(tmp_path / "o" / "runs" / "driven")
    run.create()
    with_lock = run.lock()
    try:
        proxy = start("--run-dir", str(run.path))
        ask(proxy, "/s/one")
        assert proxy.end() == 0
    finally:
        with_lock.close()
    assert [call.stage_id for call in calls_in(run)] == ["one"]
    assert [event.kind for event in events_in(run) if isinstance(event, SpanEvent)] == ["process", "process"]
    assert not (tmp_path / "o" / "run_manifest.jsonl").exists(), "the run is not its own"
    assert not run.report_json.exists()


def test_it_joins_the_run_that_the_environment_names(tmp_path: Path, upstream: Provider) -> None:
    run = RunDir(tmp_path / "o" / "runs" / "driven")
    run.create()
    environment = {"TAXIMETER_RUN_DIR": str(run.path), "TAXIMETER_RUN_ID": "driven",
                   "TRACEPARENT": f"00-{'a' * 32}-{'b' * 16}-01"}  # fmt: skip
    with started(f"--upstream=openai={upstream.url}", environment=environment) as proxy:
        ask(proxy)
        assert proxy.end() == 0
    assert [(call.run_id, call.trace_id) for call in calls_in(run)] == [("driven", "a" * 32)]


OTHERS = [pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGINT, signal.SIGHUP)]


@pytest.mark.parametrize("number", [signal.SIGTERM, *OTHERS])
def test_what_is_on_its_way_when_it_is_told_to_end_arrives(number: int, start: Start, upstream: Provider) -> None:
    proxy = start("--drain", "60")
    body: Any = {"model": "gpt-5", "stream": True}
    with httpx.stream("POST", f"{proxy.address}{CHAT}", json=body, headers={"x-script": "slow"}) as response:
        pieces = response.iter_raw()
        next(pieces)
        proxy.process.send_signal(number)
        with pytest.raises(httpx.TransportError):
            while True:  # until it listens no more
                httpx.get(f"{proxy.address}/openai/v1/models")
        upstream.let_go()
        assert b"".join(pieces).endswith(b"[DONE]\n\n")
    assert proxy.process.wait() == 0
    assert [call.status for call in calls_in(proxy.run)] == ["done"]


def test_a_second_signal_ends_it_without_waiting(start: Start, upstream: Provider) -> None:
    proxy = start("--drain", "600")
    body: Any = {"model": "gpt-5", "stream": True}
    with httpx.stream("POST", f"{proxy.address}{CHAT}", json=body, headers={"x-script": "slow"}) as response:
        pieces = response.iter_raw()
        next(pieces)
        proxy.process.send_signal(signal.SIGTERM)
        with pytest.raises(httpx.TransportError):
            while True:
                httpx.get(f"{proxy.address}/openai/v1/models")
        assert proxy.end() == 0
    assert [call.status for call in calls_in(proxy.run)] == ["cut"]


def test_what_does_not_arrive_in_time_is_cut(start: Start, upstream: Provider) -> None:
    proxy = start("--drain", "1")
    body: Any = {"model": "gpt-5", "stream": True}
    with httpx.stream("POST", f"{proxy.address}{CHAT}", json=body, headers={"x-script": "slow"}) as response:
        pieces = response.iter_raw()
        next(pieces)
        assert proxy.end() == 0
    assert [call.status for call in calls_in(proxy.run)] == ["cut"]
    assert build(proxy.run).status == "done"


def test_nothing_that_was_answered_is_lost_when_it_is_killed(start: Start) -> None:
    proxy = start("--run-id", "killed")
    answered = 0

    def work() -> None:
        nonlocal answered
        try:
            while True:
                ask(proxy)
                answered += 1
        except httpx.TransportError:
            pass

    thread = threading.Thread(target=work)
    thread.start()
    while answered < 20:
        time.sleep(0.01)
    proxy.process.kill()
    proxy.process.wait()
    thread.join()
    report = build(proxy.run)
    assert report.totals.calls >= answered
    assert report.status == "lost"


def test_it_ends_with_its_standard_input(start: Start) -> None:
    read, write = os.pipe()
    proxy = start("--end-with-stdin", stdin=read)
    os.close(read)
    ask(proxy)
    assert proxy.process.poll() is None
    os.close(write)
    assert proxy.process.wait() == 0
    assert len(calls_in(proxy.run)) == 1


def test_a_person_gets_a_line_at_the_start_and_a_table_at_the_end(tmp_path: Path, upstream: Provider) -> None:
    command = [sys.executable, "-m", "taximeter", "proxy", "--output-dir", str(tmp_path), "--run-id", "r"]
    with subprocess.Popen(
        [*command, f"--upstream=openai={upstream.url}"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("proxy at http://127.0.0.1:")
        assert line.endswith(", run r\n")
        httpx.post(f"{line.split()[2].rstrip(',')}{CHAT}", json=BODY)
        process.send_signal(signal.SIGINT)
        assert "gpt-5" in process.stdout.read()
    assert process.returncode == 0
