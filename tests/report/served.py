"""A page of a run whose figures and finer bars come from a server of this machine, as a dashboard serves them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

from taximeter.ledger.moments import keep_moments
from taximeter.numbers import to_json
from taximeter.recipe.plan import read_plan
from taximeter.report import html
from taximeter.report.build import Books
from taximeter.report.timeline import window_record
from taximeter.rundir import RunDir

START = """<script type="application/json" id="data" data-from="/run"></script>"""
MAKE = """fetch("/run").then((answer) => answer.json()).then((report) => { window.taximeter = new App(report); });"""


@contextmanager
def served(run: RunDir) -> Iterator[tuple[str, list[dict[str, list[str]]]]]:
    """The address of the page, and the windows that were asked for."""
    books = Books(run, read_plan(run.plan), call_limit=20)
    keep_moments(books.ledger)
    books.ledger.finish()
    report = books.report()
    page, _ = html.page_data(report)
    text = re.sub("<meta http-equiv[^>]*>", "", html.render(report))
    text = re.sub(r'<script type="application/json".*?</script>', lambda _: START, text, flags=re.S)
    text = text.replace("</body>", f"<script>{MAKE}</script></body>")
    asked: list[dict[str, list[str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlparse(self.path)
            if url.path == "/run/events":
                asked.append(query := parse_qs(url.query))
                start, end, limit = (float(query[name][0]) for name in ("from", "to", "limit"))
                window = window_record(books.ledger, report.timeline.started_at or "", start, end, int(limit))
                self.answer(to_json(window.model_dump()), "application/json")
            elif url.path == "/run":
                self.answer(to_json(page), "application/json")
            elif url.path == "/":
                self.answer(text.encode(), "text/html")
            else:
                self.answer(b"null", "application/json")

        def answer(self, body: bytes, media_type: str) -> None:
            self.send_response(200)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the field's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", asked
    finally:
        server.shutdown()
        server.server_close()
