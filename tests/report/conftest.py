"""Pages of runs, opened in the browser."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a page from disk with the network off. Whatever it complains of, or asks for, is a failure."""
    contexts, complaints = [], []

    def open_page(html: str, fragment: str = "", **settings: Any) -> Any:
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "offline": True, **settings})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append("a dialog"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: complaints.append(request.url) if request.url.partition("#")[0] != path.as_uri() else None,
        )
        page_url = path.as_uri() + fragment
        page.goto(page_url)
        page.wait_for_selector("tr.stage", state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
