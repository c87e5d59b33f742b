"""The collector as an ASGI application: what is sent to it, and what is asked of it; all else is the dashboard's.

- `POST /v1/events`: lines of JSON, an event each, plain or compressed (`Content-Encoding: gzip`). 200 means that they
  are written: `{"accepted": N, "duplicate": N, "rejected": [{"index", "status", "reason", "event_id"}]}`.
- `POST /v1/traces`: spans of OpenTelemetry (OTLP over HTTP, protobuf or JSON); the answer is OTLP's, and what is not
  taken is its partial success. A request of an exporter that is sent again counts once.
- `GET /metrics`: what was counted, for Prometheus.

An answer of another status is `{"error": …}`, and nothing of the request counts as taken: 401 (no project has that
token), 413 (too large: to be sent in parts), 429 and 503 (not now: `Retry-After`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import islice

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from taximeter.errors import SetupError
from taximeter.ingest.otlp import spans_in
from taximeter.web.collect import metrics
from taximeter.web.collect.batch import Batch
from taximeter.web.collect.body import Body, Incoming, Room
from taximeter.web.collect.door import Door, Shelves
from taximeter.web.collect.otlpanswer import answer
from taximeter.web.collect.shelf import Shelf
from taximeter.web.collect.traces import SPAN, TraceBatch
from taximeter.web.collect.verdict import RefusedError, Verdict
from taximeter.web.collect.writer import Writer

MOST_EVENTS = 20_000
"""Events of one request."""

_PASSED_OVER = 4 << 20
"""Bytes that are read of a request that is refused already: who still sends does not hear why."""

_JSON = b"application/json"
Handler = Callable[[Shelf, Headers, Incoming], Awaitable[tuple[bytes, bytes]]]
"""Gives the media type and the body of the answer."""


class Collector:
    """Takes events, and hands every other request on."""

    def __init__(
        self, shelves: Shelves, door: Door, writer: Writer, room: Room, max_body: int, dashboard: ASGIApp
    ) -> None:
        self._shelves = shelves
        self._door = door
        self._writer = writer
        self._room = room
        self._max_body = max_body
        self._dashboard = dashboard
        self._routes: dict[str, tuple[str, Handler]] = {
            "/v1/events": ("POST", self._events),
            "/v1/traces": ("POST", self._traces),
            "/metrics": ("GET", self._metrics),
        }
        self.refused: Counter[int] = Counter()
        """Requests of nobody's, by status."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        route = self._routes.get(scope["path"]) if scope["type"] == "http" else None
        if route is None:
            await self._dashboard(scope, receive, send)
            return
        method, handler = route
        headers, incoming = Headers(scope=scope), Incoming(receive)
        try:
            project = self._door.project(scope, headers)
        except RefusedError as refused:
            self.refused[refused.status] += 1
            await _refuse(incoming, send, refused)
            return
        counts = self._shelves[project].counts
        try:
            if scope["method"] != method:
                raise RefusedError(405, f"{scope['path']} is asked for with {method}")
            media_type, body = await handler(self._shelves[project], headers, incoming)
        except RefusedError as refused:
            counts.requests[refused.status] += 1
            await _refuse(incoming, send, refused)
        else:
            counts.requests[200] += 1
            await _send(send, 200, body, [(b"content-type", media_type)])

    async def _events(self, shelf: Shelf, headers: Headers, incoming: Incoming) -> tuple[bytes, bytes]:
        body = Body(headers, self._room, self._max_body)
        try:
            batch = Batch(shelf, await body.read(incoming), _future())
            if batch.lines > MOST_EVENTS:
                raise RefusedError(413, f"more than {MOST_EVENTS} lines: send fewer at once")
            return _JSON, msgspec.json.encode(await self._write(batch))
        finally:
            body.close()

    async def _traces(self, shelf: Shelf, headers: Headers, incoming: Incoming) -> tuple[bytes, bytes]:
        body = Body(headers, self._room, self._max_body)
        try:
            data = await body.read(incoming)
            try:
                spans = await asyncio.to_thread(lambda: list(islice(spans_in(data), MOST_EVENTS + 1)))
            except SetupError as error:
                hint = error.problems[0].hint
                raise RefusedError(400, f"{error}; {hint}" if hint else str(error)) from None
            if len(spans) > MOST_EVENTS:
                raise RefusedError(413, f"more than {MOST_EVENTS} spans: send fewer at once")
            body.grow(len(spans) * SPAN)
            verdict = await self._write(TraceBatch(shelf, spans, _future()))
        finally:
            body.close()
        return answer(verdict, headers.get("content-type", "").partition(";")[0].strip().encode())

    async def _write(self, batch: Batch) -> Verdict:
        if not self._writer.is_alive:
            raise RefusedError(503, "the collector has failed and is about to end", 5)
        self._writer.put(batch)
        return await batch.answer

    async def _metrics(self, shelf: Shelf, headers: Headers, incoming: Incoming) -> tuple[bytes, bytes]:
        own = {name: each for name, each in self._shelves.items() if each is shelf}
        runs = {name: len(each.runs) for name, each in own.items()}
        text = metrics.render({name: each.counts for name, each in own.items()}, runs, self._room.used)
        return metrics.MEDIA_TYPE.encode(), text.encode("utf-8", "replace")


def _future() -> asyncio.Future[Verdict]:
    return asyncio.get_running_loop().create_future()


async def _refuse(incoming: Incoming, send: Send, refused: RefusedError) -> None:
    try:
        await incoming.pass_over(_PASSED_OVER)
    except RefusedError:  # nobody is there to hear it
        return
    headers = [(b"content-type", _JSON)]
    if incoming.goes_on:
        headers.append((b"connection", b"close"))
    if refused.retry_after is not None:
        headers.append((b"retry-after", str(refused.retry_after).encode()))
    if refused.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await _send(send, refused.status, msgspec.json.encode({"error": str(refused)}), headers)


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
