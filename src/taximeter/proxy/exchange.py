"""One request on its way to an upstream, and the answer on its way back."""

from __future__ import annotations

from urllib.parse import urljoin

import httpx

from taximeter.proxy import headers
from taximeter.proxy.answer import Answer
from taximeter.proxy.call import Call
from taximeter.proxy.client import Send
from taximeter.proxy.coding import CodingError, decoder
from taximeter.proxy.headers import Headers
from taximeter.proxy.hiding import Hiding
from taximeter.proxy.route import RefusedError, Route


class Exchange:
    """Asks an upstream, and passes its answer on as it comes.

    No piece is held back, and none is read before the last one has gone out. `call` takes a copy of each; it is None
    for what is not recorded.
    """

    def __init__(self, upstreams: httpx.AsyncClient, route: Route, send: Send, call: Call | None = None) -> None:
        self._upstreams = upstreams
        self._route = route
        self._send = send
        self._call = call

    async def ask(self, request: httpx.Request) -> httpx.Response:
        """The answer, of which only the head has been read; RefusedError if there is none."""
        try:
            return await self._upstreams.send(request, stream=True)
        except httpx.TimeoutException as error:
            raise self._unanswered(504, "did not answer in time", error) from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._unanswered(502, "could not be asked", error) from None

    def _unanswered(self, status: int, what: str, error: Exception) -> RefusedError:
        # Only the kind of the error is told: its message may hold an address with a key in it.
        if self._call is not None:
            self._call.error = type(error).__name__
        return RefusedError(status, f"the upstream {self._route.upstream.name} {what} ({type(error).__name__})")

    async def pass_on(self, response: httpx.Response, *, without_usage: bool = False) -> None:
        """Passes the answer on, without the chunk that the client did not ask for if it shall be `without_usage`.

        An answer that is broken off is passed on broken off, too.
        """
        coding, length = response.headers.get("content-encoding", ""), int(response.headers.get("content-length", -1))
        if self._call is not None:
            self._call.answered(response, Answer(coding, self._route.upstream.provider))
        hiding = _hiding(response, coding) if without_usage else None
        passed = _with_own_location(headers.to_client(response.headers.raw), response, self._route)
        if hiding is not None:
            passed = headers.without(passed, b"content-length", b"content-encoding")
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": passed})
        try:
            async for chunk in response.aiter_raw():
                if self._call is not None:
                    self._call.take(chunk)
                    if response.num_bytes_downloaded == length:
                        self._call.end(whole=True)  # before the client can know: what it has got is never lost
                out = chunk if hiding is None else hiding.feed(chunk)
                if out:
                    await self._send({"type": "http.response.body", "body": out, "more_body": True})
        except (httpx.TransportError, CodingError):
            return  # the response has no end now, and the server breaks the connection off
        finally:
            await response.aclose()
        if self._call is not None:
            self._call.end(whole=True)
        await self._send({"type": "http.response.body", "body": b"" if hiding is None else hiding.close()})


def _hiding(response: httpx.Response, coding: str) -> Hiding | None:
    if "text/event-stream" not in response.headers.get("content-type", ""):
        return None
    try:
        return Hiding(decoder(coding))
    except CodingError:
        return None  # the client gets a chunk more than it asked for


def _with_own_location(passed: Headers, response: httpx.Response, route: Route) -> Headers:
    """A redirection within the upstream leads through the proxy again; others are left to the client."""
    return [(name, _located(text, response, route) if name == b"location" else text) for name, text in passed]


def _located(location: bytes, response: httpx.Response, route: Route) -> bytes:
    wanted = urljoin(str(response.request.url), location.decode("latin-1"))
    base = route.upstream.url
    if wanted.startswith(f"{base}/"):
        wanted = route.prefix + wanted.removeprefix(base)
    return wanted.encode("latin-1", "replace")
