"""What is sent stands in the directory of its run, once, before it is answered for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stages import wait_until
from tests.web.collect.conftest import Collect, ask, call, post, span

SENDER = """
import taximeter, sys
taximeter.enable(sink=sys.argv[1], run_id="svc")
with taximeter.record_stage("ingest"):
    for _ in range(1500):
        taximeter.log_llm_usage("gpt-5", prompt_tokens=10, completion_tokens=5)
assert taximeter.flush(20)
"""


def written(folder: Path, run_id: str = "r") -> list[dict[str, object]]:
    files = sorted((folder / "runs" / run_id / "events").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def test_what_is_answered_for_is_written(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    answer = post(server, [call(1), call(2), call(1, process="q")], compress=True)
    assert (answer.status, answer.said) == (200, {"accepted": 3, "duplicate": 0, "rejected": []})
    assert [event["event_id"] for event in written(tmp_path)] == [["p", 1], ["p", 2], ["q", 1]]


def test_what_is_sent_again_counts_once_also_by_a_server_that_was_started_anew(
    collect: Collect, tmp_path: Path
) -> None:
    first = collect()
    post(first, [call(1), call(2)])
    assert post(first, [call(2), call(3)]).said == {"accepted": 1, "duplicate": 1, "rejected": []}
    first.process.kill()
    first.process.communicate()
    with (tmp_path / "runs/r/events/p.jsonl").open("ab") as file:
        file.write(call(4)[:50])  # torn: nobody was told that it was taken
    second = collect()
    assert post(second, [call(3), call(4)]).said == {"accepted": 1, "duplicate": 1, "rejected": []}
    assert [event["event_id"] for event in written(tmp_path)] == [["p", n] for n in (1, 2, 3, 4)]


def test_a_bad_event_is_rejected_alone(collect: Collect, tmp_path: Path) -> None:
    large = call(9, meta={"text": "x" * 300_000})
    lines = [call(1), b"{", b'{"schema_version": "span_v1"}', call(-1), call(2, run_id=""), large, b"\xff", call(3)]
    said = post(collect(), lines).said
    assert (said["accepted"], said["duplicate"]) == (2, 0)
    assert [(each["index"], each["status"]) for each in said["rejected"]] == [
        (1, 400),
        (2, 400),
        (3, 400),
        (4, 400),
        (5, 413),
        (6, 400),
    ]
    assert all(each["reason"] for each in said["rejected"])
    assert len(written(tmp_path)) == 2


def test_names_from_the_network_stay_in_the_folder(collect: Collect, tmp_path: Path) -> None:
    ids = ["../../evil", "/etc/passwd", ".", "..", "a/b", "x" * 500, "\u202e", "CON\x00"]
    lines = [call(1, run_id=name, process=name) for name in ids]
    assert post(collect(), lines).said["accepted"] == len(ids)
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "collector.lock", "run_manifest.jsonl"}
    assert len(list((tmp_path / "runs").iterdir())) == len(ids)


@pytest.mark.slow
def test_a_run_that_is_named_as_its_directory_is_the_same_run(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    assert post(server, [call(1, run_id="a/b")]).said["accepted"] == 1
    (directory,) = (tmp_path / "runs").iterdir()
    said = post(server, [call(1, run_id=directory.name), call(2, run_id=directory.name)]).said
    assert (said["accepted"], said["duplicate"]) == (1, 1)
    assert len(written(tmp_path, directory.name)) == 2


def test_a_run_is_listed_while_it_goes_on_and_when_it_has_ended(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    post(server, [span(1), call(2)])
    listed = ask(server, "GET", "/api/runs").said
    assert [(row["id"], row["status"]) for row in listed["rows"]] == [("r", "running")]
    post(server, [span(3, ended_at=1_767_225_601.0, wall_ms=1000.0, status="done", ok=True)])
    manifest = tmp_path / "run_manifest.jsonl"
    assert wait_until(lambda: b'"done"' in manifest.read_bytes())
    last = json.loads(manifest.read_bytes().splitlines()[-1])
    assert (last["status"], last["totals"]["calls"], last["totals"]["cost"]) == ("done", 1, 0.0000625)


@pytest.mark.slow
def test_a_run_that_falls_silent_is_lost(collect: Collect, tmp_path: Path) -> None:
    post(collect("--lost-after", "1s"), [span(1), call(2)])
    manifest = tmp_path / "run_manifest.jsonl"
    assert wait_until(lambda: b'"lost"' in manifest.read_bytes())


def test_the_recorder_sends_to_it(collect: Collect, tmp_path: Path) -> None:
    server = collect()
    program = [sys.executable, "-c", SENDER, server.address]
    subprocess.run(program, check=True, env=os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")})
    calls = [event for event in written(tmp_path, "svc") if event["schema_version"] == "call_v1"]
    assert len(calls) == len({tuple(event["event_id"]) for event in calls}) == 1500  # type: ignore[arg-type]
    figures = ask(server, "GET", "/metrics").body.decode()
    assert 'taximeter_calls_total{project="",model="gpt-5",stage="ingest"} 1500' in figures
    assert 'taximeter_cost_total{project="",model="gpt-5",stage="ingest",currency="USD"} 0.09375' in figures


def test_a_second_collector_of_the_folder_is_refused(collect: Collect, tmp_path: Path) -> None:
    collect()
    command = [sys.executable, "-m", "taximeter", "serve", "--collect", "--port", "0", "--output-dir", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    assert "another collector writes to this folder" in ended.stderr


FAILING = """
import sys
from taximeter.cli.main import main
from taximeter.web.collect.keeper import Keeper
Keeper.look = lambda self, shelf: {}["an error of ours"]
sys.argv = ["taximeter", "serve", "--collect", "--port", "0", "--output-dir", sys.argv[1]]
main()
"""


def test_a_collector_that_cannot_write_any_more_ends_so_that_whoever_started_it_sees_it(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", FAILING, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "KeyError: 'an error of ours'" in ended.stderr
    assert "the thread that writes has failed: its error stands above" in ended.stderr
