"""The dashboard in a real browser, served by the real command."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine
from taximeter.rundir import OutputDir
from tests.report.hostile import HOSTILE
from tests.report.synthetic import a_big_run
from tests.runs import Writing, call, plan, stage
from tests.web.conftest import Served, listed

Look = Callable[..., Any]
Serve = Callable[..., Served]
Written = Callable[..., Writing]
QUICK = ("markup",)
WHERE = "[...taximeter.timeline.view, document.querySelector('canvas').getBoundingClientRect().top]"
"""What part of the run is seen, and where it is on the screen, whatever has grown above it."""

LIVE = """
import pathlib, sys, time, taximeter
for n in range(100):
    while not pathlib.Path(sys.argv[1], f"go{n}").exists(): time.sleep(0.01)
    taximeter.log_llm_usage("big", 1000 * (n + 1), 100, request_ms=5)
    print("asked", n, flush=True)
    if pathlib.Path(sys.argv[1], "end").exists(): break
"""


def shown(page: Any, run_id: str) -> None:
    page.locator("#top h1", has_text=run_id).wait_for()


def ids(page: Any) -> list[str]:
    """Runs in the list, from top to bottom."""
    rows = page.evaluate("[...document.querySelectorAll('#runs [role=listitem]')].map(r => [r.offsetTop, r.row.id])")
    return [run_id for _, run_id in sorted(rows)]


def test_the_newest_run_opens_until_one_is_picked_and_then_that_one_stays(
    serve: Serve, look: Look, written: Written, output: OutputDir
) -> None:
    for run_id, at in (("old", "2026-01-01T00:00:00Z"), ("new", "2026-01-01T00:00:00.5Z")):
        written(run_id).close()
        manifest.append(output, ManifestLine(run_id, started_at=at))
    server = serve()
    page = look(server.address)
    shown(page, "new")
    assert ids(page) == ["new", "old"]
    written("newer").close()
    manifest.append(output, ManifestLine("newer", started_at="2026-01-02"))
    shown(page, "newer")
    page.locator("#runs a", has_text="old").click()
    shown(page, "old")
    assert page.url == f"{server.address}/runs/old"
    written("newest").close()
    manifest.append(output, ManifestLine("newest", started_at="2026-01-03"))
    page.locator("#runs a", has_text="newest").wait_for()
    shown(page, "old")
    page.reload()
    shown(page, "old")
    assert page.locator("#runs a[aria-current=page] .id").text_content() == "old"
    page.go_back()
    shown(page, "newest")
    page.go_forward()
    shown(page, "old")
    page.locator(".line").first.wait_for()
    shutil.rmtree(output.runs / "old")
    shown(page, "newest")
    assert "old is not there any more" in page.locator("#notice").text_content()
    assert page.url == f"{server.address}/"
    gone = page.locator("#runs a", has_text="old")
    assert "directory gone" in gone.text_content() and gone.get_attribute("href") is None


def test_a_filter_stands_in_the_address(serve: Serve, look: Look, output: OutputDir, written: Written) -> None:
    written("shown").close()
    listed(output, "a-1", "2026-01-03", tags={"team": "search"})
    listed(output, "a-2", "2026-01-02", status="failed", recipe="nightly")
    listed(output, "b-3", "2026-01-01")
    page = look(serve().address + "/runs/shown?q=a-&status=failed")
    shown(page, "shown")
    assert ids(page) == ["a-2"] and page.locator("#runs-count").text_content() == "1 of 4 runs"
    page.locator("#runs-status").select_option("")
    assert ids(page) == ["a-1", "a-2"] and page.url.endswith("/runs/shown?q=a-")
    for text, found in (("team=search", ["a-1"]), ("NIGHTLY", ["a-2"]), ("a- nightly", ["a-2"]), ("none such", [])):
        page.locator("#runs-search").fill(text)
        assert ids(page) == found
    page.reload()
    shown(page, "shown")
    assert page.locator("#runs-search").input_value() == "none such" and ids(page) == []


def test_a_running_pipeline_is_followed_without_losing_the_place(serve: Serve, look: Look, tmp_path: Path) -> None:
    (tmp_path / "live.py").write_text(LIVE)
    (tmp_path / "prices.yaml").write_text("models: {big: {prompt_per_1k: 0.003, completion_per_1k: 0.015}}\n")
    stages = [
        {"stage": "talk", "run": f"{{python}} live.py {tmp_path}", "description": "Talks."},
        {"stage": "after", "run": "true", "needs": ["talk"]},
    ]
    recipe = {"name": "live", "instrumentation": {"enabled": True, "price_table": "prices.yaml"}, "stages": stages}
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
    server = serve()
    page, other = look(server.address), look(server.address)
    page.locator(".empty", has_text="No runs yet").wait_for()
    command = [sys.executable, "-m", "taximeter", "run", "recipe.yaml", "--run-id", "live", "--output-dir", "."]
    run = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        shown(page, "live")
        page.locator(".tile", has_text="calls").filter(has_text="0").first.wait_for()
        cost = page.locator("#runs .cost")
        for n, total in enumerate(("$0.0045", "$0.012", "$0.0225")):
            (tmp_path / f"go{n}").touch()
            page.locator(".tile dd", has_text=total).first.wait_for()
            cost.get_by_text(total).wait_for()
            if n == 0:
                page.locator("tr.stage", has_text="talk").click()
                page.locator("#pane h2", has_text="talk").wait_for()
                page.locator("canvas").focus()
                page.keyboard.press("+")
                page.evaluate("scrollTo(0, 400)")
                zoomed = page.evaluate(WHERE)
        other.locator(".tile dd", has_text="$0.0225").first.wait_for()
        assert page.evaluate(WHERE) == pytest.approx(zoomed, abs=2)
        assert page.locator("#pane h2").text_content() == "talk" and page.url.endswith("#stage=talk")
        page.locator("#runs a", has_text="running").wait_for()
        (tmp_path / "end").touch()
        (tmp_path / "go3").touch()
        for each in (page, other):
            each.locator("#top .chip.done").wait_for()
        assert run.wait(60) == 0
        page.locator("#runs a", has_text="done").wait_for()
        page.locator(".recent li", has_text="after").first.wait_for()
    finally:
        run.terminate()
        run.wait()


def test_what_is_written_in_the_page_is_not_lost_when_figures_come(serve: Serve, look: Look, written: Written) -> None:
    writing = written("r")
    lock = writing.run.lock()
    page = look(serve().address)
    shown(page, "r")
    page.locator("#search").press_sequentially("te")
    writing.start("tell")
    writing.sink("tell", call(prompt_tokens=1000, completion_tokens=100))
    page.locator(".tile dd", has_text="$0.009").first.wait_for()
    page.keyboard.type("ll")
    assert page.locator("#search").input_value() == "tell"
    assert page.locator("tr.stage:visible th").all_text_contents() == ["tell"]
    lock.close()


def test_figures_wait_while_somebody_selects_text(serve: Serve, look: Look, written: Written) -> None:
    writing = written("r")
    lock = writing.run.lock()
    page = look(serve().address)
    shown(page, "r")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#top h1'))")  # at once: it may be replaced
    writing.start("tell")
    writing.sink("tell", call(prompt_tokens=1000, completion_tokens=100))
    page.locator("#runs .cost", has_text="$0.009").wait_for()
    page.wait_for_timeout(600)
    assert page.evaluate("getSelection().toString()") == "r"
    assert page.locator(".tile dd", has_text="$0.0045").count() == 1
    page.evaluate("getSelection().removeAllRanges()")
    page.locator(".tile dd", has_text="$0.009").first.wait_for()
    lock.close()


def test_a_dead_line_is_said_and_mended(serve: Serve, look: Look, written: Written) -> None:
    written("r").close()
    server = serve()
    page = look(server.address)
    shown(page, "r")
    page.locator("#fresh", has_text="live").wait_for()
    server.close()
    page.locator("#fresh.stale", has_text="stale since").wait_for()
    serve(port=server.port)
    page.locator("#fresh", has_text="live").wait_for()
    page.complaints[:] = [
        text for text in page.complaints if "ERR_CONNECTION_REFUSED" not in text and "ERR_INCOMPLETE" not in text
    ]


def test_stages_have_cards_and_files(serve: Serve, look: Look, written: Written) -> None:
    folder = written("r").run.path / "01_stage"
    rows = [json.dumps({"n": n, "text": "<b>bold</b>"}) for n in range(500)]
    (folder / "artifact.jsonl").write_text("\n".join(rows))
    (folder / "table.csv").write_text('a,b\n"x, ""y""",<i>\n')
    (folder / "notes.md").write_text("# Title\n\nText with `code` and [a link](javascript:alert(1)).\n\n- item\n")
    (folder / "one.json").write_text('{"key": [1, true, "</script>"]}')
    (folder / "page.html").write_text("<h1>no page</h1>")
    (folder / "dot.png").write_bytes(DOT)
    page = look(serve().address)
    card = page.locator(".stage-card", has_text="ask")
    assert card.get_attribute("title") == "Asks.\nTwice."
    assert card.locator(".figures span").all_text_contents() == ["$0.0045", "2.00 s", "1 call", "1,100 tokens"]
    card.click()
    assert page.locator("#pane h2").text_content() == "ask"
    page.keyboard.press("Escape")
    page.locator(".line").first.wait_for()
    assert page.locator(".line").count() == 200 and "the first 200 rows" in page.locator(".file-head").text_content()
    page.locator(".line summary").first.click()
    assert page.locator(".line pre").text_content() == '{\n  "n": 0,\n  "text": "<b>bold</b>"\n}'
    for name, place, text in (
        ("table.csv", "tbody", 'x, "y"<i>'),
        ("notes.md", ".prose", "TitleText with code and [a link](javascript:alert(1)).item"),
        ("one.json", "pre", '{\n  "key": [\n    1,\n    true,\n    "</script>"\n  ]\n}'),
        ("page.html", "pre", "<h1>no page</h1>"),
        ("log.1.txt", "pre", "begun\n"),
    ):
        page.locator(".files nav button", has_text=name).click()
        page.locator(".file-head b", has_text=name).wait_for()
        assert page.locator(f".file-body {place}").text_content() == text
    page.locator(".files nav button", has_text="dot.png").click()
    page.locator(".file-body img").wait_for()
    assert page.evaluate("document.querySelector('.file-body img').naturalWidth") == 1
    page.locator(".files nav button", has_text="page.html").click()
    with page.expect_popup() as opened:
        page.locator(".file-head a", has_text="open in new tab").click()
    opened.value.wait_for_load_state()
    assert opened.value.evaluate("document.contentType") == "text/plain"


DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63"
    "60606060000000050001a5f645400000000049454e44ae426082"
)
"""A PNG of one pixel."""


@pytest.mark.parametrize(
    "name", [each if each in QUICK else pytest.param(each, marks=pytest.mark.slow) for each in HOSTILE]
)
def test_hostile_names_are_text(serve: Serve, look: Look, output: OutputDir, name: str) -> None:
    text = HOSTILE[name]
    stages = [stage(1, text, description=text, notes=text), stage(2, "b", needs=(text,))]
    writing = Writing(output.path, plan(stages, tags={text: text}), run_id="hostile")
    writing.start(text)
    writing.sink(text, call(text, prompt_tokens=5, provider=text, request_id=text, response_model=text))
    folder = writing.run.path / "01_stage"
    for path in ("artifact.jsonl", "x.json", "x.md", "x.csv", "x.txt", "log.1.txt"):
        (folder / path).write_text(text)
    if "/" not in text and "\0" not in text and len(text.encode()) < 250:
        (folder / text).write_text(text)
    writing.end(text, "failed")
    writing.close("failed", text)
    steps = [{"timestamp": text, "stage": text, "status": text, "message": text, "percent": 5}]
    writing.run.progress.write_text("".join(json.dumps(step) + "\n" for step in steps))
    manifest.append(output, ManifestLine("hostile", recipe=text, started_at="2026-01-01", tags={text: text}))
    manifest.append(output, ManifestLine(text, recipe=text, started_at="2025-01-01", status="done", ended_at=text))
    server = serve()
    page = look(server.address)
    shown(page, "hostile")
    page.locator(".recent li").first.wait_for()
    for button in page.locator(".files nav button").all():
        button.click()
        page.wait_for_timeout(30)
    page.locator(".stage-card").first.click()
    for address in ("/compare?before=hostile&now=hostile", "/trend"):
        another = look(server.address + address)
        another.locator("#view table").wait_for()
        assert another.evaluate("window.hacked") is None
    assert page.evaluate("window.hacked") is None
    assert (
        page.locator("#run img, #run main svg svg, #side b, #run script, #dash i, #run a[href^=javascript]").count()
        == 0
    )
    seen = page.evaluate("document.body.innerText")
    assert not {"\x1b", "\u202e", "\x07", "\x00", "\u2066", "\x85"} & set(seen)


def test_stages_that_are_called_as_what_every_object_has_are_stages(
    serve: Serve, look: Look, output: OutputDir
) -> None:
    names = ("constructor", "__proto__", "toString")
    writing = Writing(output.path, plan([stage(i, name) for i, name in enumerate(names, 1)]))
    for name in names:
        writing.start(name)
        writing.sink(name, call(name, prompt_tokens=5))
        writing.end(name)
    writing.close()
    page = look(serve().address)
    for name in names:
        page.locator(".stage-card", has_text=name).click()
        page.locator("#pane h2", has_text=name).wait_for()
        page.locator("#pane h3", has_text="Artifacts").wait_for()
        page.keyboard.press("Escape")


def test_ten_thousand_runs_are_only_drawn_where_one_looks(
    serve: Serve, look: Look, output: OutputDir, written: Written
) -> None:
    written("shown").close()
    lines = [
        ManifestLine(f"run-{n:05}", started_at="2025-01-01T00:00:00Z", ended_at="2025-01-01T00:00:01Z", status="done")
        for n in range(10_000)
    ]
    for line in lines[:1]:
        manifest.append(output, line)
    with output.manifest.open("a") as file:
        file.writelines(
            json.dumps(
                {
                    "schema_version": "manifest_v1",
                    "run_id": line.run_id,
                    "started_at": "2025",
                    "ended_at": "2025",
                    "status": "done",
                }
            )
            + "\n"
            for line in lines[1:]
        )
    page = look(serve().address)
    shown(page, "shown")
    assert page.locator("#runs-count").text_content() == "10,001 runs"
    assert page.locator("#runs [role=listitem]").count() < 40
    page.locator("#runs a").first.focus()
    page.keyboard.press("End")
    page.locator("#runs a:focus").wait_for()
    assert page.locator("#runs [role=listitem]").count() < 40
    last = page.locator("#runs [role=listitem]:has(a:focus)")
    assert last.get_attribute("aria-posinset") == "10001"
    page.locator("#runs-search").fill("run-04321")
    page.locator("#runs a", has_text="run-04321").wait_for()  # the place is scrolled back first, in a frame of its own
    assert ids(page) == ["run-04321"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_labels_and_contrast_are_sound_and_nothing_sticks_out(
    serve: Serve, look: Look, output: OutputDir, written: Written, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    a_big_run(output.path, 300, "big-one")
    a_big_run(output.path, 200, "big-two")
    written("small")
    shutil.rmtree(written("gone").run.path)
    manifest.append(output, ManifestLine("gone", started_at="2026-01-01"))
    server = serve()
    for path in ("/runs/big-one", "/compare?before=big-one&now=big-two", "/trend?recipe=test", "/login"):
        page = look(server.address + path, color_scheme=scheme, viewport={"width": width, "height": 900})
        page.locator({"/runs/big-one": "tr.stage", "/login": "form"}.get(path, "#view table")).first.wait_for()
        page.wait_for_timeout(500)
        if width < 500 and path.startswith("/runs"):
            page.locator("#side-open").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
