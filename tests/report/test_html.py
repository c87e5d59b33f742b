"""The page, in a real browser."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from taximeter import numbers
from taximeter.events import SpanEvent
from taximeter.numbers import to_json
from taximeter.report import html, html_static, json, markdown, terminal
from taximeter.report.attached import attached
from taximeter.report.baseline import against
from taximeter.report.build import build
from taximeter.report.records import RunInstrumentation
from taximeter.rundir import RunDir
from tests.report.hostile import HOSTILE
from tests.report.synthetic import STAGES, a_big_run
from tests.runs import Writing, call, plan, shards_that_print, stage

Open = Callable[..., Any]
VIEWER = Path(html.__file__).parent / "viewer"
QUICK = ("markup", "end of script", "markdown", "control")
"""The worst of the hostile names; a page each takes a second."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> RunInstrumentation:
    return build(a_big_run(tmp_path_factory.mktemp("runs"), 3_000))


@pytest.fixture(scope="module")
def page_text(report: RunInstrumentation) -> str:
    return html.render(report)


def hash_of(page: Any) -> str:
    return str(page.evaluate("location.hash"))


def test_all_parts_of_a_run_are_shown(opened: Open, page_text: str, report: RunInstrumentation) -> None:
    page = opened(page_text)
    assert page.title() == "nightly-2026-01-01 · failed"
    assert page.locator("main section h2").all_text_contents() == [
        "Timeline", "Where it went", "Graph", "Stages", "Cost by stage and model", "Most expensive calls", "Spans",
        "What to trust", "Configuration",
    ]  # fmt: skip
    assert page.locator("tr.stage th").all_text_contents() == list(STAGES)
    assert page.locator(".summary").text_content() == report.summary
    tiles = dict(
        zip(page.locator(".tile dt").all_text_contents(), page.locator(".tile dd").all_text_contents(), strict=True)
    )
    assert tiles["calls"] == "3,000" and tiles["cost"].startswith("≥$")
    assert "calls of the run have no row of their own here" in (page.locator("footer").text_content() or "")


def test_figures_are_worded_as_in_markdown(opened: Open, page_text: str) -> None:
    page = opened(page_text)
    for amount in ("0", "1204.5", "0.0544", "0.00000123456", "0.05", "0.9999", "12345.678"):
        assert page.evaluate(f"money({amount}, 'USD')") == numbers.money(Decimal(amount)), amount
    for value in (0.004, 1.24, 59.0, 125, 10_925, 187_200):
        assert page.evaluate(f"seconds({value})") == numbers.seconds(value)
    for number in (0, 99_999, 123_456, 4_560_000):
        assert page.evaluate(f"[count({number}), size({number})]") == [numbers.count(number), numbers.size(number)]


def test_the_keyboard_does_everything(opened: Open, page_text: str) -> None:
    page = opened(page_text)
    for key in ("j", "j", "j", "k", "Enter"):
        page.keyboard.press(key)
    assert page.locator("#pane h2").text_content() == "clean"
    page.keyboard.press("j")
    page.locator("#pane h2", has_text="split").wait_for()  # waiting for a function is what the page's policy forbids
    assert hash_of(page) == "#stage=split"
    page.keyboard.press("Escape")
    assert not page.locator("#pane").is_visible()
    page.keyboard.press("/")
    page.keyboard.type("summ")
    assert page.locator("tr.stage:visible th").all_text_contents() == ["summarise"]
    page.keyboard.press("Escape")
    assert page.locator("tr.stage:visible").count() == len(STAGES)
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def test_a_stage_has_an_address(opened: Open, page_text: str) -> None:
    page = opened(page_text, "#stage=summarise")
    assert page.locator("#pane h2").text_content() == "summarise"
    assert "The summarise step" in (page.locator("#pane").text_content() or "")


def test_the_timeline_zooms_and_new_figures_keep_selection_zoom_and_scroll(opened: Open, page_text: str) -> None:
    page = opened(page_text, "#stage=summarise")
    page.locator("canvas").focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    zoomed = page.evaluate("taximeter.timeline.view")
    assert zoomed[1] - zoomed[0] == pytest.approx(page.evaluate("taximeter.timeline.now") * 1.01 / 4)
    page.evaluate("scrollTo(0, 500)")
    page.evaluate("taximeter.update({...taximeter.report, status: 'done'})")
    assert page.evaluate("taximeter.timeline.view") == zoomed
    # What is in sight stays there: a browser moves by what becomes lower or higher above it.
    assert page.evaluate("scrollY") == pytest.approx(500, abs=5)
    assert page.evaluate("document.activeElement === taximeter.timeline.canvas")
    assert page.locator("#pane h2").text_content() == "summarise"
    assert page.locator(".chip").first.text_content() == "done"


def test_no_name_stands_twice_in_the_script_also_of_the_dashboard() -> None:
    files = [*VIEWER.glob("*.js"), *(VIEWER.parent.parent / "web" / "static").glob("*.js")]
    script = "\n".join(path.read_text() for path in files)
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", script, re.M)
    assert sorted(set(names)) == sorted(names)
    assert sorted(html.SCRIPTS) == sorted(path.stem for path in VIEWER.glob("*.js"))


def rows_of(page: Any) -> list[list[Any]]:
    rows = page.evaluate("taximeter.timeline.rows.map((r) => [r.kind, r.stage.id, r.calls.length, r.spans.length])")
    return [row for row in rows if row[1] == "summarise"]


def test_processes_of_a_stage_have_lanes_with_spans_and_calls(
    opened: Open, page_text: str, report: RunInstrumentation
) -> None:
    page = opened(page_text)
    calls = sum(report.timeline.lanes[lane].stage_id == "summarise" for lane in report.timeline.lane)
    assert rows_of(page) == [
        ["stage", "summarise", 0, 0],
        ["process", "summarise", calls, 0],
        ["process", "summarise", 0, 4],
    ]
    levels = page.evaluate("taximeter.timeline.rows.flatMap((r) => r.spans).map((s) => [s.name, s.level])")
    assert levels == [["batch", 0], ["ask", 1], ["parse", 1], ["ask", 1]]
    page.locator("canvas").focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    assert (page.locator("#said").text_content() or "").startswith("summarise · done")
    page.keyboard.press("Space")
    assert rows_of(page) == [["stage", "summarise", calls, 0]]
    page.keyboard.press("Enter")
    assert page.locator("#pane h2").text_content() == "summarise"


PIXELS = """(points) => {
  const view = taximeter.timeline, ratio = devicePixelRatio;
  view.draw();
  const picture = view.canvas.getContext("2d").getImageData(0, 0, view.canvas.width, view.canvas.height);
  return points.map(([stage, kind, ms, below]) => {
    const row = view.rows.find((r) => r.stage.id === stage && r.kind === kind && (kind === "stage" || r.spans.length));
    const x = Math.round(view.x(ms) * ratio), y = Math.round((AXIS_TALL + row.y + below) * ratio);
    return [...picture.data.slice(4 * (y * picture.width + x), 4 * (y * picture.width + x) + 4)];
  });
}"""


def test_the_picture_shows_spans_and_the_critical_path_and_nothing_where_nothing_was(
    opened: Open, page_text: str, report: RunInstrumentation
) -> None:
    spans, ink = report.timeline.spans, [27, 29, 34, 255]
    middle = (spans.start_ms[0] + spans.end_ms[0]) / 2
    points = [
        ["summarise", "process", middle, 8],
        ["summarise", "process", spans.end_ms[0] + 5_000, 8],
        ["summarise", "stage", middle, 4],
        ["embed", "stage", middle, 4],
    ]
    span, nothing, critical, not_critical = opened(page_text).evaluate(PIXELS, points)
    assert span != nothing == [0, 0, 0, 0]
    assert critical == ink != not_critical


CROSSED = """() => {
  const texts = [...document.querySelectorAll(".node text")].map((text) => [text.textContent, text.getBBox()]);
  const crossed = new Set();
  for (const path of document.querySelectorAll("path.edge"))
    for (let at = 0, length = path.getTotalLength(); at <= length; at += 2) {
      const { x, y } = path.getPointAtLength(at);
      const holds = (box) => x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height;
      for (const [name, box] of texts) if (holds(box)) crossed.add(name);
    }
  return [...crossed];
}"""


def test_no_line_of_the_graph_crosses_a_name(opened: Open, page_text: str, tmp_path: Path) -> None:
    page = opened(page_text)
    assert page.locator("path.edge").count() == sum(map(len, STAGES.values()))
    assert page.evaluate(CROSSED) == []
    for seed in range(4):
        random = Random(seed)
        names = [f"a long name {i}" for i in range(14)]
        stages = [
            stage(i + 1, name, needs=tuple(random.sample(names[:i], min(i, random.randrange(4)))))
            for i, name in enumerate(names)
        ]
        run = Writing(tmp_path, plan(stages), f"run-{seed}")
        run.close()
        page.evaluate(f"taximeter.update({to_json(html.page_data(build(run.run))).decode()})")
        assert page.locator("path.edge").count() == sum(len(each.needs) for each in stages)
        assert page.evaluate(CROSSED) == []


def test_the_graph_is_walked_with_arrow_keys(opened: Open, page_text: str) -> None:
    page = opened(page_text)
    focused = "JSON.parse(document.activeElement.dataset.node)"
    page.locator(".node").first.focus()
    walked = []
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
        walked.append(page.evaluate(focused))
    assert walked[:2] == ["clean", "split"] and walked[-1] in STAGES[walked[-2]]
    assert page.locator(".node[tabindex='0']").count() == 1
    page.evaluate("taximeter.update({...taximeter.report})")
    assert page.evaluate(focused) == walked[-1]
    page.keyboard.press("Enter")
    assert page.locator("#pane h2").text_content() == walked[-1]
    page.keyboard.press("Escape")
    assert page.evaluate(focused) == walked[-1]


def test_a_running_stage_shows_how_far_it_is(opened: Open, tmp_path: Path) -> None:
    writing = Writing(tmp_path, plan([stage(1, "a"), stage(2, "b", needs=("a",))]))
    lock = writing.run.lock()
    writing.start("a")
    writing.run.stage("01_stage").progress(1).write_text('{"current": 25, "total": 100, "message": "page <b>"}\n')
    report = build(writing.run)
    lock.close()
    page = opened(html.render(report), "#stage=a")
    assert page.locator("tr.stage progress").get_attribute("value") == "25"
    assert "25 % · " in (page.locator("tr.stage").first.text_content() or "")
    assert "25 of 100" in (page.locator("#about").text_content() or "")
    assert "page <b>" in (page.locator("#about").text_content() or "")
    assert page.evaluate("taximeter.timeline.rows[0].attempts[0].expected > taximeter.timeline.now")
    assert page.evaluate("taximeter.timeline.span()[1] > 1.5 * taximeter.timeline.now")


def test_cells_of_the_matrix_are_shaded_by_cost_and_add_up(
    opened: Open, page_text: str, report: RunInstrumentation
) -> None:
    page = opened(page_text)
    table = page.locator("table", has_text="all models")
    heads = table.locator("thead th").all_text_contents()
    assert heads[0] == "stage" and heads[1] == "big" and heads[-1] == "all models"
    last = table.locator("tbody tr").last.locator("td").all_text_contents()
    assert last[0] == numbers.money(report.totals.per_model["big"].cost)
    heat = table.locator("tbody tr").first.locator("td span").first.get_attribute("style") or ""
    assert "--heat: 34%" in heat


@pytest.fixture
def noted(tmp_path: Path) -> RunDir:
    """A run whose stage says much, and leaves files."""
    notes = "Reads pages.\nNeeds no network."
    writing = Writing(tmp_path, plan([stage(1, "a", notes=notes, description="The first one.")]))
    writing.start("a")
    folder = writing.run.stage("01_stage")
    lines = [f"page {number} read" for number in range(2_000)]
    folder.log(1).write_text("\n".join([*lines, "api_key=hunter2hunter2", "\x1b[31mred\x1b[0m", "the end", ""]))
    (folder.path / "artifact.jsonl").write_text("{}\n")
    (folder.path / "sub").mkdir()
    (folder.path / "sub" / "50%?#.txt").write_text("x" * 1500)
    writing.end("a")
    writing.close()
    (writing.run.snapshots / "recipe.yaml").write_text("stages: []  # " + "long " * 2_000)
    return writing.run


def test_a_stage_opens_with_notes_log_and_artifacts(opened: Open, noted: RunDir) -> None:
    page = opened(html.render(build(noted), attached(noted, [])), "#stage=a")
    page.locator("#pane pre.log").wait_for()
    assert page.locator("#pane .notes").text_content() == "Reads pages.\nNeeds no network."
    log = page.locator("#pane pre.log").text_content() or ""
    assert log.endswith("api_key=***\n\\x1b[31mred\\x1b[0m\nthe end\n")
    assert re.match(r"page \d+ read\n", log) and len(log) < 4_100
    assert "attempt 1 · the last 3.9" in (page.locator("#pane h3", has_text="Log").text_content() or "")
    rows = page.locator("#pane table", has_text="changed").locator("tbody tr")
    assert [row.split("\t")[:2] for row in rows.all_inner_texts()] == [
        ["artifact.jsonl", "3 B"],
        ["log.1.txt", page.evaluate("size(taximeter.report.logs.a.size)")],
        ["sub/50%?#.txt", "1.50 kB"],
        ["usage.1.json", page.evaluate("size(taximeter.report.files.a.files[3].size)")],
    ]
    links = [link.get_attribute("href") for link in rows.locator("a").all()]
    assert links[2] == "./01_stage/sub/50%25%3F%23.txt"


def test_a_pane_stands_while_new_figures_come(opened: Open, noted: RunDir) -> None:
    page = opened(html.render(build(noted), attached(noted, [])), "#stage=a")
    page.locator("#pane pre.log").wait_for()
    page.evaluate("document.querySelector('#pane pre.log').scrollTop = 7")
    page.evaluate("taximeter.update({...taximeter.report})")
    assert page.evaluate("document.querySelector('#pane pre.log').scrollTop") == 7


def test_the_pane_is_as_wide_as_pointer_and_keys_make_it(opened: Open, page_text: str) -> None:
    page = opened(page_text, "#stage=summarise")
    pane, grip = page.locator("#pane"), page.locator("#grip")
    assert pane.bounding_box()["width"] == 460
    grip.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    assert pane.bounding_box()["width"] == 500 == float(grip.get_attribute("aria-valuenow"))
    page.keyboard.press("End")
    assert pane.bounding_box()["width"] == 300
    page.mouse.move(1280 - 300, 400)
    page.mouse.down()
    page.mouse.move(1280 - 640, 420)
    page.mouse.up()
    assert pane.bounding_box()["width"] == 640


def test_what_a_run_was_made_from_is_shown_and_bounded(opened: Open, noted: RunDir) -> None:
    page = opened(html.render(build(noted), attached(noted, [])))
    names = [text.split(" snapshots")[0] for text in page.locator(".snapshot summary").all_text_contents()]
    assert names == ["recipe", "plan", "price sheet"]
    recipe = page.locator(".snapshot").first
    assert "the beginning of 10.0 kB" in (recipe.locator("summary").text_content() or "")
    assert not recipe.locator("pre").is_visible()
    recipe.locator("summary").click()
    assert (recipe.locator("pre").text_content() or "").startswith("stages: []  # long")
    page.evaluate("document.querySelector('.snapshot pre').scrollTop = 9")
    page.evaluate("taximeter.update({...taximeter.report})")
    assert page.evaluate("document.querySelector('.snapshot pre').scrollTop") == 9
    page.evaluate("taximeter.update({...taximeter.report, recipe_path: 'another'})")
    assert page.locator(".snapshot").first.locator("pre").is_visible()


def test_it_prints_light_and_nothing_is_cut_off(opened: Open, page_text: str) -> None:
    page = opened(page_text, "#stage=summarise", color_scheme="dark", viewport={"width": 1040, "height": 720})
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("taximeter.timeline.canvas.width") == page.evaluate("SHEET_WIDE * SHEET_FINE")
    assert page.evaluate("inks().card") == "#fff"
    parts = page.locator("main table, main canvas, main svg, .tiles")
    ends = parts.evaluate_all("all => all.map((each) => each.getBoundingClientRect().right)")
    assert len(ends) > 5 and max(ends) <= 1040
    assert not page.locator("#pane").is_visible() and not page.locator(".tools").first.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen", color_scheme="dark")
    assert page.evaluate("inks().card") == "#1a1d23"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_labels_and_contrast_are_sound_and_nothing_sticks_out(
    opened: Open, page_text: str, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(page_text, color_scheme=scheme, viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for fragment in ("", "#stage=summarise"):
        page.evaluate(f"location.hash = '{fragment}'")
        page.locator("#pane").wait_for(state="visible" if fragment else "hidden")
        found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


def test_new_figures_disturb_nobody_who_drags_or_types(opened: Open, page_text: str) -> None:
    page = opened(page_text)
    page.evaluate("taximeter.timeline.show([50000, 100000])")
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 600, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 60)
    page.evaluate("taximeter.update({...taximeter.report})")
    page.mouse.move(box["x"] + 400, box["y"] + 60)
    page.mouse.up()
    moved = 200 / page.evaluate("taximeter.timeline.width - taximeter.timeline.left") * 50_000
    assert page.evaluate("taximeter.timeline.view[0]") == pytest.approx(50_000 + moved, rel=0.01)
    assert not page.locator("#pane").is_visible()
    page.locator("#search").focus()
    page.keyboard.type("summ")
    page.evaluate("taximeter.update({...taximeter.report})")
    page.keyboard.type("arise")
    assert page.locator("tr.stage:visible th").all_text_contents() == ["summarise"]


def test_a_baseline_puts_a_difference_beside_each_figure(
    opened: Open, report: RunInstrumentation, tmp_path: Path
) -> None:
    smaller = build(a_big_run(tmp_path, 1_500, run_id="yesterday"))
    page = opened(html.render(against(report, smaller)))
    calls = page.locator(".tile", has_text="calls").first.text_content() or ""
    assert "▲ +100.0 %" in calls
    assert "against yesterday" in (page.locator("header").text_content() or "")


def test_the_page_of_ten_thousand_calls_is_small(tmp_path: Path) -> None:
    run = a_big_run(tmp_path)
    for number in range(1, len(STAGES) + 1):
        run.stage(f"{number:02d}_stage").path.mkdir(exist_ok=True)
        run.stage(f"{number:02d}_stage").log(1).write_text("one of many lines\n" * 10_000)
    report = build(run)
    assert len(html.render(report, attached(run, [])).encode()) < 300_000
    assert len(report.timeline.calls) <= 2_000 and sum(report.timeline.calls) == 10_000


def safe_file(text: str) -> str:
    """As much of it as a file name can hold."""
    return text.replace("/", "|").replace("\0", "")[:60]


def a_span(text: str, writing: Writing) -> SpanEvent:
    began = writing.clock.now()
    span = SpanEvent(
        (text, 0), "hostile", "t", text, "span", text, began, None, text, stage_id=text, ended_at=began + 1
    )
    span.wall_ms, span.ok = 1000, True
    return span


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in HOSTILE]
)
def test_hostile_names_are_text_everywhere(opened: Open, tmp_path: Path, name: str) -> None:
    text = HOSTILE[name]
    stages = [stage(1, text, description=text, notes=text), stage(2, "b", needs=(text,))]
    writing = Writing(tmp_path, plan(stages, tags={text: text}), run_id="hostile")
    writing.start(text)
    writing.sink(text, call(text, prompt_tokens=5, provider=text, request_id=text, response_model=text))
    writing.sink(text, {"schema_version": "instrumentation_rejected_v1", "reason": text})
    folder = writing.run.stage("01_stage")
    folder.log(1).write_bytes(f"{text}\n".encode("utf-8", "surrogatepass"))
    (folder.path / safe_file(text)).write_text("x")
    writing.spans._append(a_span(text, writing))
    writing.end(text, "failed")
    writing.close("failed", text)
    (writing.run.snapshots / "recipe.yaml").write_text(text)
    report = msgspec.structs.replace(build(writing.run), recipe_name=text, recipe_path=text)
    made = html.render(report, attached(writing.run, report.stages))
    assert "<script" not in made.split('id="data">')[1].split("</script>")[0]
    page = opened(made, "#stage=b")
    page.locator("tr.stage").first.click()
    page.locator("#pane pre.log").wait_for()
    page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, main svg svg, pre *, b").count() == 0
    links = page.locator("a").evaluate_all("all => all.map((each) => [each.getAttribute('href'), each.protocol])")
    assert links and all(href.startswith("./01_stage/") and scheme == "file:" for href, scheme in links)
    seen = str(page.evaluate("visible(taximeter.report.stages[0].id)"))
    shown = page.locator("#pane h2").text_content() or ""
    assert shown.rstrip("…") and seen.startswith(shown.rstrip("…"))
    everything = (
        page.evaluate("document.body.innerText"),
        html_static.render(report),
        markdown.render(report),
        terminal.render(report),
    )
    for rendered in everything:
        assert not {"\x1b", "\u202e", "\x07", "\x00", "\u2066", "\x85"} & set(rendered)
    assert not re.search(r"(?<!\\)(<|\]\(javascript)", markdown.render(report))
    assert not re.search("<(img|svg|script|a)", html_static.render(report))
    assert json.parse(json.render(report)).stages[0].id == text


def test_shards_of_a_stage_have_a_line_each_and_a_table(opened: Open, tmp_path: Path) -> None:
    writing = Writing(tmp_path, plan([stage(1, "share", shards=30, shard_input="rows"), stage(2, "whole")]))
    writing.start("share", shards=30)
    for number in range(30):
        name = writing.start_shard("share", number)
        writing.sink(name, call(prompt_tokens=1000, completion_tokens=0))
        writing.end(name, "failed" if number == 7 else "done", seconds=9.0 if number == 3 else 1.0)
        if number == 7:
            writing.end(writing.start_shard("share", number, attempt=2), seconds=1.0)
    writing.end("share")
    writing.start("whole")
    writing.end("whole")
    writing.close()
    page = opened(html.render(build(writing.run)))
    rows = page.evaluate("taximeter.timeline.rows.map((r) => [r.kind, r.stage.id])")
    assert rows[:2] == [["stage", "share"], ["shards", "share"]] and ["stage", "whole"] in rows
    bars = page.evaluate("taximeter.timeline.rows[1].bars.map((b) => [b.shard.shard, b.number, b.status])")
    assert len(bars) == 31 and [7, 1, "failed"] in bars and [7, 2, "done"] in bars
    middle = "((b) => [view.x((b.from + b.to) / 2), AXIS_TALL + row.y + ROW_PAD + (b.line + 0.5) * shardLine(row)])"
    row = "const view = taximeter.timeline, row = view.rows[1]"
    at = page.evaluate(f"(() => {{ {row}; return {middle}(row.bars[3]); }})()")
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + at[0], box["y"] + at[1])
    tip = "share · shard 3 · attempt 1 · done · straggler"
    assert tip in (page.locator("#tip").text_content() or "")
    page.locator("tr.stage").first.click()
    pane = page.locator("#pane").text_content() or ""
    assert "30 of 30 done; wall (least, median, most) 1.00 s, 1.00 s, 9.00 s; cost $0.003, $0.003, $0.003" in pane
    assert "stragglers 3" in pane and "10 faster shards not listed." in pane
    first = page.locator("#pane [aria-label^='Shards of the stage'] tbody tr").first
    assert first.locator("th, td").all_text_contents()[:4] == ["3", "done, straggler", "9.00 s", "1.75 s"]


def test_of_shards_the_log_of_one_that_went_wrong_is_shown_and_others_can_be_chosen(
    opened: Open, tmp_path: Path
) -> None:
    writing = shards_that_print(tmp_path, wrong=(2, 5))
    report = build(writing.run)
    page = opened(html.render(report, attached(writing.run, report.stages)), "#stage=share")
    log = page.locator("#pane pre.log")
    log.wait_for()
    assert log.text_content() == "shard 5 says token=***\n"
    assert "attempt 1 · 34 B" in (page.locator("#pane h3", has_text="Log").text_content() or "")
    choice = page.get_by_label("log of shard")
    assert choice.locator("option").all_text_contents() == ["5 · failed", "2 · failed"]
    choice.select_option("2")
    page.locator("#pane pre.log", has_text="shard 2").wait_for()
    page.evaluate("taximeter.update({...taximeter.report})")
    assert choice.input_value() == "2"
    page.evaluate("location.hash = 'stage=whole'")
    page.locator("#pane h2", has_text="whole").wait_for()
    assert log.count() == choice.count() == 0
