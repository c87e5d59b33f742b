"""The proxy as an ASGI application."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import msgspec

from taximeter.errors import BudgetExceeded
from taximeter.proxy import headers
from taximeter.proxy.background import Background
from taximeter.proxy.books import Books
from taximeter.proxy.call import Call
from taximeter.proxy.client import Client, GoneError, Message, Receive, Send
from taximeter.proxy.coding import CodingError, decoded
from taximeter.proxy.endpoints import endpoint, model_in, response_in
from taximeter.proxy.exchange import Exchange
from taximeter.proxy.failures import failure
from taximeter.proxy.headers import Headers
from taximeter.proxy.outgoing import Outgoing
from taximeter.proxy.question import Question, asking, question
from taximeter.proxy.route import CAPTURED, RefusedError, Route, route
from taximeter.proxy.upstreams import LOOPBACK, Upstream

_REJECTED = (400, 422)
"""How a server answers to a field that it does not know."""

_RETRIES = b"x-stainless-retry-count"
"""The SDKs of OpenAI and Anthropic say in it how often they have tried before."""


class Proxy:
    """Forwards requests to upstreams, and writes those that buy something of a model down when they have ended.

    `willing` are the upstreams, by name, whose streams may be asked for their usage. `is_local`: it listens on
    loopback, where nobody calls it by another name except a web page that wants to be taken for a local one.
    """

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        willing: set[str],
        books: Books,
        client: httpx.AsyncClient,
        *,
        is_local: bool,
    ) -> None:
        self._upstreams = upstreams
        self._willing = willing
        self._unwilling: set[tuple[str, str | None]] = set()
        """Upstreams and models that rejected the question: behind one gateway there can be servers of several kinds."""

        self._books = books
        self._background = Background(books)
        self._client = client
        self._is_local = is_local

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one request."""
        provider: str | None = None
        try:
            self._check(scope["headers"])
            found = route(scope["raw_path"].decode("ascii"), scope["headers"], self._upstreams)
            provider = found.upstream.provider
            if not self._books.knows(found.attribution.run):
                raise RefusedError(404, "the run that this call is for does not lie beside the run of this proxy")
            await self._forward(found, scope, Client(receive), send)
        except RefusedError as refused:
            await _refuse(send, provider, refused)
        except GoneError:
            pass

    def close(self) -> None:
        """Writes down what is left, once no request is on its way any more."""
        self._background.close()

    def _check(self, given: Headers) -> None:
        host = urlsplit(f"//{headers.value(given, b'host')}").hostname
        if self._is_local and host not in LOOPBACK:
            raise RefusedError(403, "this proxy is asked by the name of another host")
        if headers.value(given, b"upgrade"):
            raise RefusedError(501, "WebSockets are not forwarded: let realtime clients ask the provider itself")

    async def _forward(self, found: Route, scope: Message, client: Client, send: Send) -> None:
        given: Headers = scope["headers"]
        outgoing = Outgoing(found, scope["method"], scope["query_string"], given)
        bought, is_captured = endpoint(scope["method"], found.path), bool(headers.value(given, CAPTURED))
        if bought is None or is_captured:
            fetched = None if is_captured else self._background.fetch(response_in(scope["method"], found.path))
            with _ending(fetched):
                async with client.present():
                    exchange = Exchange(self._client, found, send, fetched)
                    await exchange.pass_on(await exchange.ask(outgoing.with_pieces(client.pieces())))
            return
        self._admit()
        body = await client.body()
        asked = _question(body, found, given)
        call = Call(found, bought, asked, _tries(given), self._background.end)
        with _ending(call):
            async with client.present():
                exchange = Exchange(self._client, found, send, call)
                if bought.tells_usage_if_asked and found.upstream.name in self._willing:
                    await self._ask_usage(exchange, (found.upstream.name, asked.model), outgoing, body)
                else:
                    await exchange.pass_on(await exchange.ask(outgoing.with_body(body)))

    def _admit(self) -> None:
        """Refuses a call that would be more than the budget."""
        try:
            if self._books.purse is not None:
                self._books.purse.admit()
        except BudgetExceeded as over:
            raise RefusedError(429, str(over)) from None

    async def _ask_usage(
        self, exchange: Exchange, server: tuple[str, str | None], outgoing: Outgoing, body: bytes
    ) -> None:
        more = None if server in self._unwilling else asking(body)
        if more is None:
            await exchange.pass_on(await exchange.ask(outgoing.with_body(body)))
            return
        response = await exchange.ask(outgoing.asking(more))
        if response.status_code not in _REJECTED:
            await exchange.pass_on(response, without_usage=True)
            return
        await response.aclose()
        response = await exchange.ask(outgoing.with_body(body))
        if response.is_success:
            self._unwilling.add(server)  # it was the question for the usage that it did not like
        await exchange.pass_on(response)


@contextmanager
def _ending(call: Call | None) -> Iterator[None]:
    """A block after which a call has ended, at the latest."""
    try:
        yield
    finally:
        if call is not None:
            call.end(whole=False)


def _question(body: bytes, found: Route, given: Headers) -> Question:
    try:
        asked = question(decoded(body, headers.value(given, b"content-encoding")))
    except CodingError:
        asked = Question()
    stream = asked.stream or found.path.endswith(":streamGenerateContent")
    return msgspec.structs.replace(asked, model=asked.model or model_in(found.path), stream=stream)


def _tries(given: Headers) -> int:
    before = headers.value(given, _RETRIES)
    return int(before) + 1 if before.isdecimal() and len(before) < 4 else 1


async def _refuse(send: Send, provider: str | None, refused: RefusedError) -> None:
    body = failure(provider, refused.status, str(refused))
    given = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    # The rest of a request that nobody reads would be taken for the next one.
    given.append((b"connection", b"close"))
    if refused.status == 429:
        given.append((b"x-should-retry", b"false"))  # the SDKs would ask again and again
    await send({"type": "http.response.start", "status": refused.status, "headers": given})
    await send({"type": "http.response.body", "body": body})
