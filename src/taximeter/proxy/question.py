"""What a request asks of a model, and how it is made to ask for its usage."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_FORM_MODEL = re.compile(rb'name="model"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]{1,200})\r\n')
_USAGE = "include_usage"


class Question(msgspec.Struct, frozen=True):
    """What the body of a request says that decides how its answer is read."""

    model: str | None = None
    stream: bool = False


class _Head(msgspec.Struct):
    model: Any = None
    stream: Any = None
    stream_options: Any = None


_head = msgspec.json.Decoder(_Head)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def question(body: bytes) -> Question:
    """Reads the body of a request, JSON or a form; what it does not say is None."""
    try:
        head = _head.decode(body)
    except _NOT_JSON:
        form = _FORM_MODEL.search(body[: 2**20])
        return Question(form[1].decode(errors="replace") if form else None)
    return Question(head.model if isinstance(head.model, str) and head.model else None, head.stream is True)


def asking(body: bytes) -> bytes | None:
    """The body with `stream_options.include_usage`, every other value byte by byte as it was.

    None if the request is not streamed, or says itself whether it wants the usage.
    """
    try:
        head = _head.decode(body)
        members = _members.decode(body)
    except _NOT_JSON:
        return None
    options = {} if head.stream_options is None else head.stream_options
    if head.stream is not True or not isinstance(options, dict) or _USAGE in options:
        return None
    members["stream_options"] = msgspec.Raw(msgspec.json.encode({**options, _USAGE: True}))
    return msgspec.json.encode(members)
