"""Which headers go on, and which are only for the next hop."""

from __future__ import annotations

from collections.abc import Iterable

from taximeter.proxy.route import PREFIX

Headers = list[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
        b"trailer", b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
"""RFC 9110, 7.6.1; and what older clients send."""


def value(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """The values of a header, with commas between; empty if it is not there."""
    return ", ".join(text.decode("latin-1") for found, text in headers if found == name)


def to_upstream(headers: Headers) -> Headers:
    """The headers of a request as the upstream gets them; it is told its own Host.

    `Expect` was answered when the body was asked for. Of two lengths of a body the one in pieces is the true one.
    """
    dropped = [b"host", b"expect"]
    if value(headers, b"transfer-encoding"):
        dropped.append(b"content-length")
    return [(name, text) for name, text in without(_end_to_end(headers), *dropped) if not name.startswith(PREFIX)]


def to_client(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers of a response as the client gets them, names in lower case."""
    return _end_to_end([(name.lower(), text) for name, text in headers])


def without(headers: Headers, *names: bytes) -> Headers:
    """The headers without those of these names."""
    return [(name, text) for name, text in headers if name not in names]


def _end_to_end(headers: Headers) -> Headers:
    named = {name.strip().lower().encode("latin-1") for name in value(headers, b"connection").split(",")}
    return without(headers, *_HOP_BY_HOP, *(name for name in named if name))
