"""What the page of a run is drawn from, and what is told while the run goes on."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine
from taximeter.recipe.plan import Instrumentation
from taximeter.report import json as report_json
from taximeter.report.build import build
from taximeter.rundir import OutputDir
from taximeter.web import feed as feeds_module
from taximeter.web import runlist, stream
from taximeter.web.feed import Feed
from taximeter.web.feeds import Feeds
from taximeter.web.runlist import RunList
from taximeter.web.stream import Watcher
from tests.report.synthetic import a_big_run
from tests.runs import Writing, call
from tests.stages import wait_until


@pytest.fixture(autouse=True)
def always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runlist, "_LEAST", 0)
    monkeypatch.setattr(feeds_module, "_LEAST", 0)
    monkeypatch.setattr(feeds_module, "_SHARE", 0)


def told(watcher: Watcher) -> dict[str, Any]:
    """The events of one look, by name."""
    events = {}
    for event in (watcher.news_of_list() + watcher.news_of_run()).decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in event.split("\n"))
        events[fields["event"]] = json.loads(fields["data"])
    return events


def test_the_report_is_that_of_the_run_with_what_the_page_needs(
    client: TestClient, written: Callable[..., Writing]
) -> None:
    writing = written()
    writing.close()
    report = client.get("/api/runs/r").json()
    assert report["run_id"] == "r" and report["totals"]["cost"] == 0.0045
    assert report["modules"] == {"ask": "Asks.\nTwice."} and report["notes"]
    assert client.get("/api/runs/latest").json() == report
    text = client.get("/api/runs/r/report.json").text
    assert report_json.parse(text) == build(writing.run)
    assert client.get("/api/runs/r/report.md").text.startswith("# Run r")
    html = client.get("/api/runs/r/report.html")
    assert html.text.startswith("<!DOCTYPE html>")
    assert html.headers["content-disposition"] == "attachment; filename*=UTF-8''r.html"
    assert client.get("/api/runs/r/report.exe").json()["error"] == "a report is json, md or html"


def test_a_part_of_the_timeline_is_told_finer(client: TestClient, output: OutputDir) -> None:
    run = a_big_run(output.path, 3_000, "big")
    whole = build(run).timeline
    assert whole.bin_seconds > 0
    begin, end = whole.start_ms[500], whole.start_ms[520]
    part = client.get(f"/api/runs/big/events?from={begin}&to={end}&limit=4000").json()
    assert part["bin_seconds"] == 0 and set(part["calls"]) == {1} and part["started_at"] == whole.started_at
    assert all(a <= end and b >= begin for a, b in zip(part["start_ms"], part["end_ms"], strict=True))
    everything = client.get("/api/runs/big/events?limit=50").json()
    assert len(everything["calls"]) <= 50 and sum(everything["calls"]) == 3_000
    assert client.get("/api/runs/big/events?from=x").json()["error"] == "from is not a number"


def test_what_is_not_there_is_not_there(client: TestClient) -> None:
    for path in ("/api/runs/none", "/api/runs/latest", "/api/runs/none/report.md", "/api/none"):
        assert client.get(path).status_code == 404
    assert "neither events" in client.get("/api/runs/none").json()["error"]


def test_a_run_that_is_not_metered_shows_stages_and_times(client: TestClient, written: Callable[..., Writing]) -> None:
    written("plain", instrumentation=Instrumentation(enabled=False))
    report = client.get("/api/runs/plain").json()
    assert not report["metered"] and report["stages"][0]["wall_seconds"] == 2.0
    assert "Not metered" in " ".join(report["notes"])


def test_files_without_a_run_around_them_are_shown(client: TestClient, output: OutputDir) -> None:
    folder = output.runs / "foreign"
    folder.mkdir(parents=True)
    stages = {"a": {"status": "done", "started_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:03Z"}}
    state = {"status": "failed", "started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:05Z"}
    (folder / "pipeline_state.json").write_text(json.dumps({**state, "stages": stages}))
    report = client.get("/api/runs/foreign").json()
    assert (report["status"], report["metered"], report["wall_seconds"]) == ("failed", False, 5.0)
    assert report["stages"][0]["status"] == "done" and report["stages"][0]["wall_seconds"] == 3.0


def test_a_report_that_was_left_alone_is_shown(
    client: TestClient, output: OutputDir, written: Callable[..., Writing]
) -> None:
    folder = output.runs / "alone"
    folder.mkdir(parents=True)
    report = msgspec.structs.replace(build(written().run), run_id="alone")
    (folder / "instrumentation.json").write_text(report_json.render(report))
    assert client.get("/api/runs/alone").json()["totals"]["cost"] == 0.0045


def test_a_page_is_told_the_whole_report_once_and_then_what_is_new(
    output: OutputDir, written: Callable[..., Writing]
) -> None:
    writing = written()
    lock = writing.run.lock()
    feeds = Feeds(output)
    watcher = Watcher(RunList(output, feeds), feeds, "latest", "")
    first = told(watcher)
    assert first["report"]["run"] == "r" and first["report"]["whole"]
    assert first["report"]["parts"]["totals"]["cost"] == 0.0045 and first["runs"]["rows"][0]["id"] == "r"
    writing.start("tell")
    writing.sink("tell", call(prompt_tokens=1000, completion_tokens=100))
    news = told(watcher)["report"]
    assert not news["whole"] and news["parts"]["totals"]["cost"] == 0.009
    assert "env" not in news["parts"] and "modules" not in news["parts"]
    writing.end("tell")
    writing.close()
    lock.close()
    assert told(watcher)["report"]["parts"]["status"] == "done"
    assert "report" not in told(watcher)


def test_what_was_read_step_by_step_is_what_is_read_at_once(output: OutputDir, written: Callable[..., Writing]) -> None:
    writing = written()
    lock = writing.run.lock()
    feed = Feed(writing.run)
    feed.look()
    writing.start("tell")
    writing.sink("tell", *[call(prompt_tokens=n, completion_tokens=n) for n in range(50)], b'{"torn')
    feed.look()
    writing.end("tell")
    writing.close("failed")
    lock.close()
    assert feed.look() == build(writing.run)
    assert feed.look().losses.torn == 1


def test_another_driver_that_goes_on_is_followed(output: OutputDir, written: Callable[..., Writing]) -> None:
    writing = written()
    writing.close("failed")
    feed = Feed(writing.run)
    assert feed.look().status == "failed"
    lock = writing.run.lock()
    writing.sit_down_again()
    assert feed.look().status == "running"
    writing.start("tell")
    writing.end("tell")
    writing.close()
    lock.close()
    assert feed.look().status == "done" and feed.look() == build(writing.run)


def test_who_follows_the_newest_gets_each_newer_one(output: OutputDir, written: Callable[..., Writing]) -> None:
    written("a").close()
    feeds = Feeds(output)
    runs = RunList(output, feeds)
    newest, picked = Watcher(runs, feeds, "latest", ""), Watcher(runs, feeds, "a", "")
    assert told(newest)["report"]["run"] == told(picked)["report"]["run"] == "a"
    written("b").close()
    manifest.append(output, ManifestLine("b", started_at="2027-01-01T00:00:00Z"))
    told(picked)
    assert told(newest)["report"]["run"] == "b"
    assert "report" not in told(picked)
    shutil.rmtree(output.runs / "a")
    fallen_back = told(picked)["report"]
    assert fallen_back["run"] == "b" and fallen_back["whole"]


def test_a_run_that_cannot_be_read_is_told_of_once(output: OutputDir) -> None:
    (output.runs / "odd").mkdir(parents=True)
    (output.runs / "odd" / "something").touch()
    feeds = Feeds(output)
    watcher = Watcher(RunList(output, feeds), feeds, "odd", "")
    assert "neither events" in told(watcher)["trouble"]["error"]
    assert "trouble" not in told(watcher)


def test_no_secret_of_environment_or_command_line_is_shown(client: TestClient, output: OutputDir) -> None:
    secrets = ("hidden-in-env-1234", "hidden-behind-option-1234")
    stages = [
        {"stage": "a", "run": f"true --api-key {secrets[1]}; echo done > {{out}}", "env": {"PASSWORD": secrets[0]}},
        {"stage": "b", "run": f"false --token={secrets[1]}", "env": {"X": secrets[0]}},
    ]
    recipe = output.path / "recipe.yaml"
    recipe.write_text(json.dumps({"name": "r", "instrumentation": {"enabled": True}, "stages": stages}))
    command = ("-m", "taximeter", "run", str(recipe), "--run-id", "r", "--output-dir", str(output.path))
    assert subprocess.run([sys.executable, *command], capture_output=True).returncode == 1
    recipe.unlink()
    paths = ["/api/runs", "/api/runs/r", "/api/runs/r/report.json", "/api/runs/r/report.md", "/api/runs/r/report.html"]
    for name in "ab":
        base = f"/api/runs/r/stages/{name}"
        paths += [f"{base}/log", f"{base}/artifacts"]
        paths += [f"{base}/artifacts/{file['path']}" for file in client.get(f"{base}/artifacts").json()["files"]]
    assert len(paths) > 9
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200
        assert not [secret for secret in secrets if secret in answer.text], path


def test_while_a_large_run_is_read_the_list_is_there_and_the_line_is_alive(
    output: OutputDir, written: Callable[..., Writing], monkeypatch: pytest.MonkeyPatch
) -> None:
    written()
    read, enough = Feed.look, threading.Event()
    monkeypatch.setattr(stream, "_BEAT", 0.05)
    feeds = Feeds(output)
    runs = RunList(output, feeds)
    rows_are_there = wait_until(lambda: (runs.look(), not runs._is_filling)[1])
    monkeypatch.setattr(Feed, "look", lambda feed: (enough.wait(30), read(feed))[1])

    async def listen() -> list[str]:
        heard = []
        async for event in stream.Streams(runs, feeds, lambda: False).follow("r", ""):
            heard.append(event.partition(b"\n")[0].decode())
            if heard.count("event: beat") == 3:
                enough.set()
            if heard[-1] == "event: report":
                break
        return heard

    heard = asyncio.run(listen())
    assert rows_are_there and heard[:2] == ["retry: 1000", "event: runs"]
    assert heard.count("event: beat") >= 3 and heard[-1] == "event: report"


def test_pages_are_there(client: TestClient) -> None:
    for path in ("/", "/runs/any%2Fthing", "/compare", "/trend", "/login"):
        page = client.get(path)
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        assert "<script>" not in page.text and " style=" not in page.text and " on" + "click" not in page.text
    for path in client.get("/").text.split('src="')[1:]:
        assert client.get(path.partition('"')[0]).status_code == 200
    for path in (
        "/static/../app.py",
        "/static/app.py",
        "/static/none.js",
        "/viewer/page.html",
        "/static/%2e%2e%2fapp.py",
    ):
        assert client.get(path).status_code == 404


def test_no_name_of_a_script_hides_one_of_another(client: TestClient) -> None:
    """They share one scope: the later of two functions of one name would silently be both."""
    paths = [rest.partition('"')[0] for rest in client.get("/").text.split('src="')[1:]]
    names = [
        re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", client.get(path).text, re.M) for path in paths
    ]
    every = [name for found in names for name in found]
    assert len(every) > 100 and sorted(set(every)) == sorted(every)
