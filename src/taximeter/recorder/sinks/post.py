"""One POST over a connection that is kept: a batch of lines out, an answer back."""

from __future__ import annotations

import contextlib
import os
import socket
import zlib
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from time import time

import msgspec

from taximeter.recorder.sinks.destination import Destination

TIMEOUT = 10.0
"""Seconds in which a connection must be made, and in which each part of an answer must come."""

_LONGEST_ANSWER = 1 << 20
_GZIP = 31  # zlib's window bits for a gzip stream


class Verdict(msgspec.Struct, frozen=True):
    """What a collector says of a batch, in the body of its answer."""

    accepted: int = 0
    duplicate: int = 0
    rejected: list[msgspec.Raw] = msgspec.field(default_factory=list)
    """What it does not take, each with a reason."""


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    """Status of HTTP; 0 if there was no answer."""

    retry_after: float | None = None
    """Seconds to wait, if the collector says so."""

    verdict: Verdict = Verdict()
    reason: str = ""
    """In words, for the log."""


class Poster:
    """Posts batches to one destination, from one thread."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        make = HTTPSConnection if destination.scheme == "https" else HTTPConnection
        self._connection = make(destination.host, destination.port, timeout=TIMEOUT)
        self._headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip", "User-Agent": "taximeter"}
        if destination.token is not None:
            self._headers["Authorization"] = f"Bearer {destination.token}"

    def post(self, lines: list[bytes]) -> Answer:
        """Posts the lines, once more over a fresh connection if a kept one turns out to be closed."""
        body = zlib.compress(b"\n".join(lines) + b"\n", 1, _GZIP)
        kept = self._connection.sock is not None
        try:
            return self._exchange(body)
        except ConnectionError as error:
            if not kept:
                return self._broken(error)
        except (OSError, HTTPException) as error:
            return self._broken(error)
        self._connection.close()
        try:
            return self._exchange(body)
        except (OSError, HTTPException) as error:
            return self._broken(error)

    def _exchange(self, body: bytes) -> Answer:
        self._connection.request("POST", self._destination.path, body, self._headers)
        response = self._connection.getresponse()
        content = response.read(_LONGEST_ANSWER)
        if response.length and len(content) < _LONGEST_ANSWER:
            raise IncompleteRead(content, response.length)  # an answer that broke off is none: it may hold rejections
        if not response.isclosed():
            self._connection.close()  # more than anybody wants to read
        retry_after = _seconds(response.headers.get("Retry-After"))
        return Answer(response.status, retry_after, _verdict(content), f"{response.status} {response.reason}")

    def _broken(self, error: Exception) -> Answer:
        self._connection.close()
        return Answer(0, reason=str(error) or type(error).__name__)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def abandon(self) -> None:
        """Closes a parent's connection in its forked child, without a word to the other end and without any lock."""
        sock: socket.socket | None = self._connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                os.close(sock.detach())


def _verdict(content: bytes) -> Verdict:
    try:
        return msgspec.json.decode(content, type=Verdict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Verdict()  # a receiver that says nothing has taken everything


def _seconds(header: str | None) -> float | None:
    """Seconds of a Retry-After: a number, or a date."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time())
    except ValueError:
        return None
