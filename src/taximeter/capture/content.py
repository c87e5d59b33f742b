"""What was asked and what was answered, for who wants to keep it: `enable(content=True)`, or `TAXIMETER_CONTENT`."""

from __future__ import annotations

from typing import Any

import msgspec

_MOST = 256 << 10
"""Bytes of an answer; an event that is larger loses its payload anyway."""

_NO_JSON = (TypeError, ValueError, RecursionError)


_encode = msgspec.json.Encoder(enc_hook=lambda _: None).encode
"""An open file, or what stands in the place of an argument that was not given, is null."""


class Content:
    """The body of one request and of its answer."""

    __slots__ = ("_answer", "_length", "_request")

    def __init__(self) -> None:
        self._request: Any = None
        self._answer: list[Any] = []
        self._length = 0

    def ask(self, body: Any) -> None:
        """Keeps what is asked, as it is now: the program may go on with its lists."""
        try:
            request = _plain(body if isinstance(body, bytes) else _encode(body))
        except _NO_JSON:
            return  # of another kind than the SDKs send
        is_map = isinstance(request, dict)
        self._request = {k: v for k, v in request.items() if v is not None} if is_map else request

    def tell(self, part: bytes | str) -> None:
        """Keeps what is answered: all of it, or one event of a stream."""
        if self._length <= _MOST and part not in (b"[DONE]", "[DONE]"):
            self._length += len(part)
            self._answer.append(_plain(part))

    def meta(self, streamed: bool) -> dict[str, Any]:
        """As it stands in the `meta` of a call: `request` and `response`, of a stream a list of its events."""
        answer = self._answer if streamed else next(iter(self._answer), None)
        told = {"request": self._request, "response": answer or None}
        return {name: value for name, value in told.items() if value is not None}


def _plain(part: bytes | str) -> Any:
    try:
        return msgspec.json.decode(part)
    except _NO_JSON:
        return part if isinstance(part, str) else part.decode(errors="replace")
