"""Where a request wants to go, and whom its call is counted for: told by its path, and by headers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import msgspec

from taximeter.proxy.upstreams import Upstream

PREFIX = b"x-taximeter-"
"""Headers that begin like this are for the proxy, and go no further."""

CAPTURED = b"x-taximeter-captured"
"""Says that the program has recorded this call itself."""

_LONGEST = 200
_DOTS = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")


class RefusedError(Exception):
    """A request that is not forwarded; `status` is the HTTP status of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Attribution(msgspec.Struct, frozen=True):
    """Whom a call is counted for, as far as the request says it."""

    run: str | None = None
    stage: str | None = None
    attempt: int | None = None
    shard: int | None = None
    session: str | None = None
    tags: dict[str, str] | None = None


class Route(msgspec.Struct, frozen=True):
    """Where a request goes."""

    upstream: Upstream
    path: str
    """What the upstream is asked for, percent-encoded, without the query."""

    prefix: str
    """What stood before it in the path by which the proxy was asked."""

    attribution: Attribution


_BY_LETTER = {"r": "run", "s": "stage", "n": "shard", "a": "attempt"}


def route(path: str, headers: Iterable[tuple[bytes, bytes]], upstreams: Mapping[str, Upstream]) -> Route:
    """Takes `/r/RUN/s/STAGE/n/SHARD/a/ATTEMPT/NAME/rest` apart; each pair may be missing, and headers win over them.

    `path` is percent-encoded. RefusedError for a path that leads nowhere, or out of the upstream's own.
    """
    if not path.startswith("/"):
        raise RefusedError(403, "this proxy forwards only to its own upstreams: ask for /NAME/…, not for a whole URL")
    if _DOTS.search(unquote(path)) or "\\" in unquote(path):
        raise RefusedError(400, "a path with . or .. segments is not forwarded")
    told: dict[str, str] = {}
    segments = path[1:].split("/")
    while len(segments) > 2 and segments[0] in _BY_LETTER:
        told[_BY_LETTER[segments[0]]] = unquote(segments[1])
        del segments[:2]
    upstream = upstreams.get(segments[0])
    if upstream is None:
        raise RefusedError(404, f"there is no such upstream; there are {', '.join(upstreams)}: ask for /NAME/…")
    for name, value in headers:
        if name.startswith(PREFIX):
            told[name.removeprefix(PREFIX).decode("latin-1")] = unquote(value.decode("latin-1"))
    rest = "/".join(["", *segments[1:]])
    return Route(upstream, upstream.target(rest), path.removesuffix(rest), _attribution(told))


def _attribution(told: Mapping[str, str]) -> Attribution:
    for name, value in told.items():
        if len(value) > _LONGEST or not value.isprintable():
            raise RefusedError(400, f"the {name} that this call is for is no text of at most {_LONGEST} characters")
    pairs = (pair.partition("=") for pair in told.get("tags", "").split(","))
    return Attribution(
        run=told.get("run") or None,
        stage=told.get("stage") or None,
        attempt=_number("attempt", told),
        shard=_number("shard", told),
        session=told.get("session") or None,
        tags={name.strip(): value.strip() for name, _, value in pairs if name.strip()} or None,
    )


def _number(name: str, told: Mapping[str, str]) -> int | None:
    text = told.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise RefusedError(400, f"the {name} that this call is for is no number")
    return int(text)
