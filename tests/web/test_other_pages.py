"""Two runs compared, the trend of a recipe, the page that asks for the token; in a real browser."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from taximeter.ledger import manifest
from taximeter.ledger.manifest import ManifestLine, RunTotals
from taximeter.recipe.plan import Instrumentation
from taximeter.rundir import OutputDir
from tests.runs import Writing, call, plan, stage
from tests.web.conftest import Served, listed

Look = Callable[..., Any]
Serve = Callable[..., Served]
TOKEN = "a-token-of-some-length"


def two_runs(output: OutputDir) -> None:
    """The second one is slower, asks more, has lost a stage and got one."""
    for run_id, names, tokens, took in (("one", ("ask", "old"), 1000, 2.0), ("two", ("ask", "new"), 2000, 3.0)):
        writing = Writing(output.path, plan([stage(i, name) for i, name in enumerate(names, 1)]), run_id)
        for name in names:
            writing.start(name)
            if name == "ask":
                writing.sink(name, call(prompt_tokens=tokens, completion_tokens=0))
            writing.end(name, seconds=took)
        writing.close()
        at = "2026-01-01" if run_id == "one" else "2026-01-02"
        manifest.append(output, ManifestLine(run_id, recipe="test", started_at=at))


def test_two_runs_are_compared_stage_by_stage(serve: Serve, look: Look, output: OutputDir) -> None:
    two_runs(output)
    page = look(serve().address + "/compare")
    page.locator(".compare tbody tr").first.wait_for()
    assert page.url.endswith("/compare?before=one&now=two")
    rows = page.evaluate(
        "[...document.querySelectorAll('.compare tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
    )
    assert [row[:5] for row in rows] == [
        ["ask", "done", "2.00 s", "3.00 s", "▲ 1.00 s 50.0 %"],
        ["new", "added", "", "3.00 s", ""],
        ["old", "removed", "2.00 s", "", ""],
    ]
    assert rows[0][5:] == ["$0.003", "$0.006", "▲ $0.003 100.0 %", "1,000", "2,000", "▲ 1,000 100.0 %"]
    effects = page.evaluate(
        "[...document.querySelectorAll('[aria-label^=Why] tbody tr')].map(r => r.cells[2].textContent)"
    )
    assert effects == ["+$0.003", "$0.00", "$0.00", "+$0.003"]
    changes = page.locator(".changes li").all_text_contents()
    assert any("new" in text for text in changes) and any("old" in text for text in changes)
    page.locator(".pickers input").first.fill("two")
    page.locator(".pickers input").first.press("Enter")
    page.locator(".tile", has_text="same").first.wait_for()
    assert page.url.endswith("/compare?before=two&now=two")


def test_the_trend_of_a_recipe_is_drawn(serve: Serve, look: Look, output: OutputDir) -> None:
    for n in range(1, 31):
        totals = RunTotals(metered=n != 3, wall_seconds=float(n), calls=n, cost=Decimal(n), cost_status="priced")
        status = "failed" if n == 30 else "done"
        listed(output, f"r{n:02}", f"2026-01-{n:02}T00:00:00Z", recipe="nightly", totals=totals, status=status)
    listed(output, "other", "2026-02-01", recipe="weekly")
    page = look(serve().address + "/trend?recipe=nightly&n=10")
    page.locator(".chart").first.wait_for()
    assert page.locator(".chart .bar").count() == 10 and page.locator(".chart .dot").count() == 10
    assert page.locator(".chart .bar.bad").count() == page.locator(".chart .dot.bad").count() == 1
    tall = page.evaluate("[...document.querySelectorAll('.bar')].map(bar => Math.round(bar.height.baseVal.value))")
    assert tall == sorted(tall) and tall[0] == pytest.approx(tall[-1] * 21 / 30, abs=2)
    assert page.locator("tbody tr").count() == 10
    page.locator(".pickers select").nth(1).select_option("50")
    assert page.locator(".chart .bar").count() == 29 and page.locator(".chart .dot").count() == 30
    assert page.url.endswith("/trend?recipe=nightly&n=50")
    page.locator(".pickers select").first.select_option("weekly")
    assert page.locator(".chart .bar").count() == 0 and page.locator("tbody tr").count() == 1
    assert "$" not in page.locator("tbody tr").text_content()


def test_a_run_that_is_not_metered_says_so(
    serve: Serve, look: Look, output: OutputDir, written: Callable[..., Writing]
) -> None:
    written("plain", instrumentation=Instrumentation(enabled=False)).close()
    page = look(serve().address)
    page.locator("#runs a", has_text="not metered").wait_for()
    page.locator("#dash", has_text="not metered").wait_for()
    assert page.locator("tr.stage td").nth(1).text_content() == "2.00 s"
    assert page.locator(".stage-card", has_text="ask").locator(".figures span").all_text_contents() == ["2.00 s"]


def test_the_token_is_asked_for_once(serve: Serve, look: Look, written: Callable[..., Writing]) -> None:
    written("secret").close()
    server = serve("--host", "0.0.0.0", TAXIMETER_SERVE_TOKEN=TOKEN)
    address = f"http://127.0.0.1:{server.port}"
    page = look(address + "/runs/secret")
    assert page.url == address + "/login" and "secret" not in page.content()
    page.locator("#token").fill("no")
    page.complaints.clear()
    page.locator("button").click()
    page.locator("[role=alert]", has_text="That is not the token.").wait_for()
    page.complaints.clear()  # the answer says 403
    page.locator("#token").fill(TOKEN)
    page.locator("button").click()
    page.locator("#top h1", has_text="secret").wait_for()
    page.reload()
    page.locator("#top h1", has_text="secret").wait_for()
    assert page.evaluate("document.cookie") == ""
    assert TOKEN not in server.said and TOKEN not in json.dumps(page.context.cookies())
    server.close()
    serve("--host", "0.0.0.0", port=server.port, TAXIMETER_SERVE_TOKEN=TOKEN + "-another")
    page.wait_for_url(address + "/login")
    page.complaints.clear()  # of the time in which nobody answered
