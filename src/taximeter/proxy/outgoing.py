"""A request as the upstream gets it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

from taximeter.proxy import headers
from taximeter.proxy.headers import Headers
from taximeter.proxy.route import Route


class Outgoing:
    """What all tries of one request have in common: method, address and headers."""

    def __init__(self, route: Route, method: str, query: bytes, given: Headers) -> None:
        address = httpx.URL(route.upstream.origin)
        self._url = address.copy_with(raw_path=route.path.encode("ascii") + (b"?" + query if query else b""))
        self._method = method
        self._headers = headers.to_upstream(given)

    def with_pieces(self, pieces: AsyncIterator[bytes]) -> httpx.Request:
        """With a body that is passed on as it comes."""
        return httpx.Request(self._method, self._url, headers=self._headers, content=pieces)

    def with_body(self, body: bytes) -> httpx.Request:
        """With this body as it is."""
        given = headers.without(self._headers, b"content-length")
        return httpx.Request(self._method, self._url, headers=given, content=body)

    def asking(self, body: bytes) -> httpx.Request:
        """With this body, and for an answer that can be read and changed on its way."""
        given = headers.without(self._headers, b"content-length", b"accept-encoding")
        given.append((b"accept-encoding", b"identity"))
        return httpx.Request(self._method, self._url, headers=given, content=body)
