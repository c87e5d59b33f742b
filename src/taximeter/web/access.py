"""Who may ask: the names that this server goes by, the pages that may ask, and the token where one is needed."""

from __future__ import annotations

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with "no-referrer" our own form would come from origin "null"
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""What every answer says unless it says something else itself."""

_OPEN_PATHS = frozenset({"/login", "/static/login.css"})
"""What can be asked for without the token: the page that asks for it."""


class Access(msgspec.Struct, frozen=True):
    """Who may ask."""

    hosts: frozenset[str] = frozenset()
    """Names, beside addresses of this machine's loopback, by which the server may be addressed, in lower case.

    A name that somebody else's server gave to a browser (DNS rebinding) is not among them.
    """

    addresses: bool = False
    """Any address will do: the server can be reached from other machines, and a token is asked for."""

    token: str | None = None

    def knows_host(self, host: str) -> bool:
        """Whether a Host header, with its port or without, is one of ours."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:  # brackets that do not fit
            return False
        if name == "localhost" or name in self.hosts:
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return self.addresses or address.is_loopback

    def cookie(self) -> tuple[str, str]:
        """Name and value of the cookie of those who have shown the token; the value does not give it away."""
        name = hashlib.sha256(f"name {self.token}".encode()).hexdigest()[:8]
        value = hmac.new((self.token or "").encode(), b"taximeter dashboard", hashlib.sha256).hexdigest()
        return f"taximeter_{name}", value

    def is_token(self, given: str) -> bool:
        """Whether it is the token; takes as long whatever is wrong with it."""
        return hmac.compare_digest(given.encode(), (self.token or "").encode())

    def admits(self, headers: Headers) -> bool:
        """Whether the token, or the cookie of one who has shown it, comes with a request."""
        if self.token is None:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.is_token(given.strip())
        name, value = self.cookie()
        try:
            jar = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return name in jar and hmac.compare_digest(jar[name].value.encode(), value.encode())


class Guard:
    """Stands before the app: refuses whom it does not know, and puts headers on every answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            answer = self._refusal(scope, headers)
            await (answer or self._app)(scope, receive, _with_headers(send))
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._access.knows_host(host):
            return JSONResponse({"error": "this server does not go by that name: see --allow-host"}, 421)
        if is_foreign(scope, headers, host):
            return JSONResponse({"error": "a page of another site may not ask this server"}, 403)
        if scope["path"] not in _OPEN_PATHS and not self._access.admits(headers):
            if "text/html" in headers.get("accept", ""):
                return RedirectResponse("/login", 303)
            return JSONResponse({"error": "the token is missing or wrong"}, 401, {"www-authenticate": "Bearer"})
        return None


def is_foreign(scope: Scope, headers: Headers, host: str) -> bool:
    """Whether a page of another site asks. To follow a link from elsewhere to a page of ours is allowed."""
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc != host
    site = headers.get("sec-fetch-site", "none")
    is_visit = scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
    return site not in ("same-origin", "none") and not (is_visit and headers.get("sec-fetch-dest") == "document")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            more = [(name, value) for name, value in _HEADERS if name not in given]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return sending
