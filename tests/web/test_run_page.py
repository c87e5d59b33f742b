"""What the page of a run can do only where it is served: zoom into each call, and be compared with any run."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlparse

from taximeter.rundir import OutputDir
from tests.report.synthetic import a_big_run
from tests.runs import Writing, call, plan, shards_that_print, stage
from tests.web.conftest import Served

Serve = Callable[..., Served]
Look = Callable[..., Any]

FILLED = "taximeter.timeline.rows.reduce((sum, row) => sum + row.calls.reduce((n, bar) => n + bar.count, 0), 0)"
SINGLE = "taximeter.timeline.rows.every((row) => row.calls.every((bar) => bar.count === 1))"


def until(page: Any, truth: str) -> None:
    """Waits for it; the page's own policy forbids what playwright would do."""
    for _ in range(200):
        if page.evaluate(truth):
            return
        page.wait_for_timeout(50)
    raise AssertionError(truth)


def test_a_part_in_view_is_asked_for_once_and_shows_each_call(serve: Serve, look: Look, output: OutputDir) -> None:
    a_big_run(output.path, 20_000)
    page = look(serve().address + "/runs/nightly-2026-01-01")
    page.wait_for_selector("tr.stage")
    asked: list[dict[str, list[str]]] = []

    def heard(request: Any) -> None:
        if "/events?" in request.url:
            asked.append(parse_qs(urlparse(request.url).query))

    page.on("request", heard)
    assert page.evaluate(FILLED) == 20_000
    assert not page.evaluate(SINGLE) and asked == []
    page.evaluate("taximeter.timeline.show([130000, 132000])")
    until(page, SINGLE)
    shown = page.evaluate(FILLED)
    assert asked == [{"from": ["128000"], "to": ["134000"], "limit": ["4000"]}]
    page.evaluate("taximeter.timeline.show([130500, 131000])")  # a part of what is there already
    page.wait_for_timeout(300)
    assert page.evaluate(FILLED) == shown and len(asked) == 1
    page.evaluate("taximeter.update({...taximeter.report})")
    assert page.evaluate("taximeter.timeline.view") == [130500, 131000] and page.evaluate(SINGLE)
    page.evaluate("taximeter.timeline.show(null)")
    until(page, f"{FILLED} === 20000")


def test_any_run_can_be_chosen_to_compare_with(serve: Serve, look: Look, output: OutputDir) -> None:
    for run_id, tokens in (("old", 1000), ("new", 1500)):
        writing = Writing(output.path, plan([stage(1, "a")]), run_id)
        writing.start("a")
        writing.sink("a", call(prompt_tokens=tokens, completion_tokens=0))
        writing.end("a")
        writing.close()
    page = look(serve().address + "/runs/new")
    tile = page.locator(".tile", has_text="cost").first
    tile.wait_for()
    assert "%" not in (tile.text_content() or "")
    page.locator("#baseline").focus()
    page.locator("#baseline option[value=old]").wait_for(state="attached")
    page.locator("#baseline").select_option("old")
    page.locator(".tile small", has_text="▲ +50.0 %").first.wait_for()
    assert page.url.endswith("/runs/new?baseline=old")
    page.evaluate("taximeter.update({...taximeter.report})")
    assert page.evaluate("document.activeElement.id") == "baseline"
    assert "▲ +50.0 %" in (tile.text_content() or "")
    page.reload()
    page.locator(".tile small", has_text="▲ +50.0 %").first.wait_for()
    page.locator("#baseline").select_option("")
    page.locator(".tile small", has_text="▲ +50.0 %").first.wait_for(state="detached")


def test_the_log_and_the_files_of_a_stage_come_from_the_server(
    serve: Serve, look: Look, written: Callable[..., Writing]
) -> None:
    written().close()
    address = serve().address
    page = look(address + "/runs/r#stage=ask")
    page.locator("#pane pre.log").wait_for()
    assert page.locator("#pane pre.log").text_content() == "begun\n"
    link = page.locator("#pane a", has_text="artifact.jsonl")
    assert link.get_attribute("href") == "/api/runs/r/stages/ask/artifacts/artifact.jsonl"
    assert page.request.get(address + link.get_attribute("href")).text() == '{"n": 1}\n'
    assert (page.locator("#about .notes").text_content() or "") == "Asks.\nTwice."


def test_the_log_of_any_shard_comes_from_the_server_without_secrets(
    serve: Serve, look: Look, output: OutputDir
) -> None:
    writing = shards_that_print(output.path, wrong=(4,))
    writing.run.stage("01_stage/shards/3").log(1).write_text("")
    page = look(serve().address + "/runs/r#stage=share")
    log = page.locator("#pane pre.log")
    log.wait_for()
    assert log.text_content() == "shard 4 says token=***\n"
    choice = page.get_by_label("log of shard")
    assert choice.locator("option").all_text_contents()[:3] == ["4 · failed", "6 · done", "5 · done"]
    choice.select_option("0")
    page.locator("#pane pre.log", has_text="shard 0 says token=***").wait_for()
    choice.select_option("3")
    page.locator("#pane .hint", has_text="It has printed nothing.").wait_for()
    assert log.count() == 0
    page.locator(".files nav button", has_text="shards/1/log.1.txt").click()
    page.locator(".files pre", has_text="shard 1 says token=***").wait_for()
    answer = page.request.get(f"{page.url.partition('/runs')[0]}/api/runs/r/stages/share/log?shard=99").json()
    assert (answer["attempts"], answer["text"]) == ([], "")
