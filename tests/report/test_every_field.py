"""Hostile text in every field of a report that can hold text, and in all that stands beside it."""

import re
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

from taximeter.report import html, html_static, json, markdown, terminal
from taximeter.report.attached import Attached, File, Files, LogTail, Snapshot
from taximeter.report.baseline import against
from taximeter.report.build import build
from taximeter.report.records import RunInstrumentation, StageProgress
from tests.report.hostile import HOSTILE
from tests.report.synthetic import a_big_run

QUICK = ("markup", "control")
UNSEEN = {"\x1b", "\u202e", "\x07", "\x00", "\u2066", "\x85"}


def holds_text(annotation: Any) -> bool:
    return annotation is str or (get_origin(annotation) is not Literal and any(map(holds_text, get_args(annotation))))


def spoiled(value: Any, annotation: Any, text: str) -> Any:
    """The same with the text in place of every text, also of those that are not there, and of every key."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        told = {field.name: spoiled(getattr(value, field.name), field.type, text) for field in fields}
        return msgspec.structs.replace(value, **told)
    if isinstance(value, dict):
        inner = [part for part in get_args(annotation) if part is not type(None)]
        parts = [spoiled(each, inner[-1], text) for each in value.values()]
        return {text: parts[0]} if parts else {}
    if isinstance(value, list):
        inner = get_args(annotation)
        return [spoiled(each, inner[0] if inner else Any, text) for each in value]
    is_text = isinstance(value, str) or (value is None and str in get_args(annotation))
    return text if is_text and holds_text(annotation) else value


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> RunInstrumentation:
    made = build(a_big_run(tmp_path_factory.mktemp("runs"), 60))
    progress = StageProgress(current=1, total=4)
    first = msgspec.structs.replace(made.stages[0], progress=progress, status="running")
    losses = msgspec.structs.replace(made.losses, rejected=1, reasons={"x": 1})
    return against(msgspec.structs.replace(made, stages=[first, *made.stages[1:]], losses=losses), made)


def beside(text: str) -> Attached:
    return Attached(
        modules={text: text},
        logs={text: LogTail(1, 10, 0, text)},
        files={text: Files(text, [File(text, 1, text)], 1)},
        snapshots=[Snapshot(text, 9, text)],
    )


def test_every_field_is_reached(report: RunInstrumentation) -> None:
    left = json.render(spoiled(report, None, "~"))
    for known in (
        "collect",
        "nightly",
        "The collect step",
        "big",
        "who-knows",
        "calls.1.jsonl",
        "exit code 1",
        "batch",
    ):
        assert known in json.render(report) and known not in left


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_text_in_markdown_terminal_and_notebook(report: RunInstrumentation, name: str) -> None:
    bad = spoiled(report, None, HOSTILE[name])
    for rendered in (html_static.render(bad), markdown.render(bad), terminal.render(bad)):
        assert not UNSEEN & set(rendered)
    assert not re.search(r"(?<!\\)(<|\]\(javascript)", markdown.render(bad))
    assert not re.search("<(img|svg|script|a)[ >]", html_static.render(bad))


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in HOSTILE]
)
def test_it_is_text_on_the_page(opened: Callable[..., Any], report: RunInstrumentation, name: str) -> None:
    text = HOSTILE[name]
    made = html.render(spoiled(report, None, text), beside(text))
    assert "<script" not in made.split('id="data">')[1].split("</script>")[0]
    page = opened(made)
    page.locator("tr.stage").first.click()
    page.locator("#pane pre.log").wait_for()
    page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, main svg svg, pre *, b").count() == 0
    links = page.locator("a").evaluate_all("all => all.map((each) => [each.getAttribute('href'), each.protocol])")
    assert links and all(href.startswith("./") and scheme == "file:" for href, scheme in links)
    assert not UNSEEN & set(page.evaluate("document.body.innerText"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
