"""The dashboard: the list of runs, the page of each, and what they are drawn from.

The viewer of `report/viewer/` draws the page of a run, here as in `instrumentation.html`. Here its data element is
empty and carries the address of the run in `data-from`; new figures come by `window.taximeter.update(report)`. All is
asked for with GET, changes nothing, and answers JSON; what cannot be had answers `{"error": …}` with 404.

- `/api/runs`: `{version, whole, removed, rows}`, the list; `?since=VERSION` only what has changed since.
- `/api/runs/ID`: the report, with `notes` (what to trust), `modules` (the notes of each stage's module, by stage id),
  `snapshots` and `recent` (the newest steps: `timestamp, stage, status, percent, message`). ID may be `latest`.
- `/api/runs/ID/events?from=MS&to=MS&limit=N`: the calls and spans of a stretch of time, finer, in the form of the
  report's `timeline`: milliseconds since its `started_at`; at most N (2,000) bars, one a call where there are fewer.
- `/api/runs/ID/stages/STAGE/log?tail=BYTES&attempt=N&shard=N`: `{attempt, attempts, size, begin, text}`, the end of the
  log, of the latest attempt unless told otherwise; of a stage with shards that of one of them.
- `/api/runs/ID/stages/STAGE/artifacts`: `{folder, artifact, files: [{path, size, modified, kind}], truncated}`; kind is
  `json`, `jsonl`, `markdown`, `csv`, `text`, `image` or `other`.
- `/api/runs/ID/stages/STAGE/artifacts/PATH?rows=N`: `{path, kind, size, text, rows, truncated}`, its first N rows.
- `/api/runs/ID/stages/STAGE/artifacts/PATH`: the file itself; what a browser would run is handed out as a download, or
  with `?as=text` as plain text.
- `/api/runs/ID/report.json`, `.md`, `.html`: the report as `taximeter report` makes it.
- `/api/compare?before=ID&now=ID`: both runs side by side, as `taximeter diff --json` tells it (`diff_v1`).
- `/api/live?run=ID&since=VERSION`: server-sent events. `runs`: as `/api/runs`. `report`: `{run, whole, parts}`, where
  parts are those keys of the report that have changed. `trouble`: `{run, error}`. `beat`: nothing is new.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from taximeter.errors import RunDirError
from taximeter.numbers import to_json
from taximeter.report import html, json, markdown
from taximeter.report.attached import attached
from taximeter.report.diff import compare
from taximeter.report.diff_view import record
from taximeter.report.side import Side
from taximeter.rundir import OutputDir
from taximeter.web import pages
from taximeter.web.access import Access, Guard
from taximeter.web.artifacts import Artifacts
from taximeter.web.feed import Feed
from taximeter.web.feeds import Feeds
from taximeter.web.queries import number
from taximeter.web.runlist import RunList
from taximeter.web.stream import LATEST, Streams

_BARS, _MOST_BARS = 2_000, 20_000
_RENDERERS: dict[str, tuple[Callable[[Feed], str], str]] = {
    "json": (lambda feed: json.render(feed.look()), "application/json"),
    "md": (lambda feed: markdown.render(feed.look()), "text/plain"),
    "html": (lambda feed: html.render(feed.look(), attached(feed.run, feed.look().stages)), "text/html"),
}


def make_app(
    output: OutputDir, access: Access, is_stopping: Callable[[], bool] = lambda: False, doors: Sequence[Access] = ()
) -> Starlette:
    """The dashboard of one output folder; its streams end once `is_stopping` says so.

    `doors` are those of other dashboards at the same address, whose tokens its page of login knows, too.
    """
    feeds = Feeds(output)
    runs = RunList(output, feeds)
    api = _Api(runs, feeds, Streams(runs, feeds, is_stopping))
    artifacts = Artifacts(api.feed)
    stage = "/api/runs/{run}/stages/{stage:any}"
    return Starlette(
        routes=[
            Route("/api/runs", api.list),
            Route("/api/live", api.live),
            Route("/api/compare", api.compare),
            Route("/api/runs/{run}", api.report),
            Route("/api/runs/{run}/events", api.events),
            Route("/api/runs/{run}/report.{form}", api.rendered),
            Route(stage + "/log", artifacts.log),
            Route(stage + "/artifacts", artifacts.list),
            Route(stage + "/artifacts/{path:any}", artifacts.file),
            *pages.routes(output, (access, *doors)),
        ],
        middleware=[Middleware(Guard, access=access)],
        exception_handlers={HTTPException: _refused, RunDirError: _not_there, OSError: _not_there},
    )


class _Api:
    def __init__(self, runs: RunList, feeds: Feeds, streams: Streams) -> None:
        self._runs = runs
        self._feeds = feeds
        self._streams = streams

    def feed(self, request: Request) -> Feed:
        """The feed of the run that a request names."""
        run_id = request.path_params["run"]
        if run_id == LATEST:
            self._runs.look()
            run_id = self._runs.newest() or LATEST
        return self._feeds.of(run_id)

    def list(self, request: Request) -> Response:
        self._runs.look()
        changes = self._runs.since(request.query_params.get("since", ""))
        return _json(changes or to_json({"version": self._runs.version, "whole": False, "removed": [], "rows": []}))

    async def live(self, request: Request) -> Response:
        version = request.headers.get("last-event-id") or request.query_params.get("since", "")
        events = self._streams.follow(request.query_params.get("run", LATEST), version)
        return StreamingResponse(events, media_type="text/event-stream")

    def compare(self, request: Request) -> Response:
        self._runs.look()
        before, now = (self._side(request.query_params.get(name, "")) for name in ("before", "now"))
        return _json(to_json(record(compare(before, now))))

    def _side(self, run_id: str) -> Side:
        return msgspec.structs.replace(self._feeds.of(run_id).side(), git=self._runs.git(run_id))

    def report(self, request: Request) -> Response:
        return _json(self.feed(request).json())

    def events(self, request: Request) -> Response:
        begin, end = number(request, "from", 0.0), number(request, "to", 1e12)
        most = int(number(request, "limit", _BARS, least=10, most=_MOST_BARS))
        return _json(to_json(self.feed(request).window(begin, end, most)))

    def rendered(self, request: Request) -> Response:
        form = request.path_params["form"]
        found = _RENDERERS.get(form)
        if found is None:
            raise HTTPException(404, "a report is json, md or html")
        render, media_type = found
        feed, headers = self.feed(request), {}
        if form == "html":  # its own script must not run in the name of this server
            headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(feed.run.run_id, safe='')}.html"
        return Response(render(feed), media_type=media_type, headers=headers)


def _json(text: bytes) -> Response:
    return Response(text, media_type="application/json")


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def _not_there(_request: Request, error: Exception) -> Response:
    told = str(error) if isinstance(error, RunDirError) else "there is no such file that may be read"
    return JSONResponse({"error": told}, 404)
