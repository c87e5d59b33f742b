"""Zooming into more bars than a page has room for."""

from pathlib import Path
from typing import Any

import pytest

from tests.report.served import served
from tests.report.synthetic import a_big_run

FILLED = "[...taximeter.timeline.rows].reduce((sum, row) => sum + row.calls.reduce((n, bar) => n + bar.count, 0), 0)"
SINGLE = "taximeter.timeline.rows.every((row) => row.calls.every((bar) => bar.count === 1))"


@pytest.mark.slow
def test_a_part_in_view_is_asked_for_once_and_shows_each_call(browser: Any, tmp_path: Path) -> None:
    run = a_big_run(tmp_path, 20_000)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with served(run) as (address, asked):
        page.goto(address)
        page.wait_for_selector("tr.stage")
        assert page.evaluate(FILLED) == 20_000
        assert not page.evaluate(SINGLE) and asked == []
        page.evaluate("taximeter.timeline.show([130000, 132000])")
        page.wait_for_function(SINGLE)
        shown = page.evaluate(FILLED)
        assert (asked[0]["from"], asked[0]["to"], asked[0]["limit"]) == (["128000"], ["134000"], ["4000"])
        page.evaluate("taximeter.timeline.show([130500, 131000])")  # a part of what is there already
        page.wait_for_timeout(300)
        assert page.evaluate(FILLED) == shown and len(asked) == 1
        page.evaluate("taximeter.update({...taximeter.report})")
        assert page.evaluate("[taximeter.timeline.view, " + SINGLE + "]") == [[130500, 131000], True]
        page.evaluate("taximeter.timeline.show(null)")
        page.wait_for_function(f"{FILLED} === 20000")
    page.close()
